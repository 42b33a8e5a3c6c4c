import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/clock.ts';
import { EmbeddedDirectory } from '../../../src/directory/embedded-directory.ts';
import { diffEntries } from '../../../src/directory/entry-diff.ts';
import { getText, type LdapEntry, type LdapOperation, toAttributes } from '../../../src/ldap/entry.ts';
import { schemaRules } from '../../../src/directory/schema-rules.ts';
import { parseFilter } from '../../../src/ldap/filter.ts';
import { silentLog } from '../../../src/log.ts';
import { AD_CONTEXT, openEmbedded, temporaryFolder } from './fixtures.ts';

const ROOT: LdapOperation = {
  kind: 'add',
  dn: AD_CONTEXT,
  attributes: toAttributes({ objectClass: 'msExchContainer' }),
};

function open(folder: string, namingContext = AD_CONTEXT): EmbeddedDirectory {
  return EmbeddedDirectory.open({ folder, namingContext, clock: new SystemClock(), log: silentLog() });
}

it('a search whose filter takes long to ask lets others have their turn, few entries though there are', async () => {
  const directory = openEmbedded(AD_CONTEXT);
  const entry = (name: string): LdapOperation => ({ ...ROOT, dn: `CN=${name},${AD_CONTEXT}` });
  await directory.apply([ROOT, ...Array.from({ length: 20 }, (_, index) => entry(`c${index}`))]);
  const rules = {
    ...schemaRules,
    knows: (attribute: string) => {
      const untilMs = performance.now() + 5;
      while (performance.now() < untilMs);
      return schemaRules.knows(attribute);
    },
  };
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 1);
  try {
    const filter = parseFilter('(description=nothing)');
    for await (const found of directory.walk({ base: AD_CONTEXT, scope: 'sub', filter, rules, isOver: () => false })) {
      throw new Error(`${found.dn} has no description`);
    }
  } finally {
    clearInterval(timer);
  }
  expect(turns).toBeGreaterThan(2);
});

describe('embedded directory', () => {
  it('keeps everything over a restart, its naming context too', async () => {
    const folder = temporaryFolder();
    const first = open(folder);
    await first.apply([ROOT]);
    first.close();
    const second = openEmbedded('CN=Configuration,DC=other', folder);
    expect(second.namingContext).toBe(AD_CONTEXT);
    expect(await second.search({ base: AD_CONTEXT, scope: 'base' })).toHaveLength(1);
  });

  it('is for its owner alone', async () => {
    const folder = join(temporaryFolder(), 'ad');
    mkdirSync(folder, { mode: 0o755 });
    await openEmbedded(AD_CONTEXT, folder).apply([ROOT]);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(folder))
      expect(`${file} ${(statSync(join(folder, file)).mode & 0o777).toString(8)}`).toBe(`${file} 600`);
  });

  it('refuses a second owner, and one of a newer format', () => {
    const folder = temporaryFolder();
    const first = open(folder);
    expect(() => open(folder)).toThrow(expect.objectContaining({ code: 'in-use' }));
    first.close();
    const database = new DatabaseSync(join(folder, 'directory.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(() => open(folder)).toThrow(expect.objectContaining({ code: 'format-too-new' }));
  });

  it('stamps entries with its clock and the name of who wrote', async () => {
    const clock = new SystemClock();
    const directory = openEmbedded(AD_CONTEXT, temporaryFolder(), clock);
    await directory.apply([ROOT], { author: 'CN=somebody' });
    clock.move(400 * 86_400_000);
    await directory.apply([
      {
        kind: 'modify',
        dn: AD_CONTEXT,
        changes: [{ operation: 'add', attribute: 'description', values: [Buffer.from('x')] }],
      },
    ]);
    const [entry] = await directory.search({ base: AD_CONTEXT, scope: 'base', attributes: ['+'] });
    const stamp = (name: string) => (entry && getText(entry, name)) ?? '';
    expect(stamp('creatorsName')).toBe('CN=somebody');
    expect(stamp('modifiersName')).toBe('');
    expect(Number(stamp('modifyTimestamp').slice(0, 4))).toBeGreaterThan(Number(stamp('createTimestamp').slice(0, 4)));
    expect(stamp('structuralObjectClass')).toBe('msExchContainer');
  });

  it('keeps the identity of an entry that is renamed or changed', async () => {
    const directory = openEmbedded(AD_CONTEXT);
    const child: LdapOperation = { ...ROOT, dn: `CN=a,${AD_CONTEXT}` };
    await directory.apply([ROOT, child]);
    const guid = async (dn: string) =>
      (await directory.search({ base: dn, scope: 'base', attributes: ['entryUUID'] })).map((entry) =>
        getText(entry, 'entryUUID'),
      );
    const before = await guid(`CN=a,${AD_CONTEXT}`);
    await directory.apply([{ kind: 'rename', dn: `CN=a,${AD_CONTEXT}`, newRdn: 'CN=b', deleteOldRdn: true }]);
    expect(await guid(`CN=b,${AD_CONTEXT}`)).toEqual(before);
  });

  it('does not take a part of a name for the end of it', async () => {
    const directory = openEmbedded(AD_CONTEXT);
    const names = ['CN=a\\,b', 'CN=b', 'CN=a\\+b', 'CN=\\#x', 'CN=ä'];
    await directory.apply([ROOT, ...names.map((rdn): LdapOperation => ({ ...ROOT, dn: `${rdn},${AD_CONTEXT}` }))]);
    expect(await directory.search({ base: `CN=b,${AD_CONTEXT}`, scope: 'sub' })).toHaveLength(1);
    for (const rdn of names) {
      const [entry] = await directory.search({ base: `${rdn},${AD_CONTEXT}`, scope: 'base' });
      expect(entry && getText(entry, 'cn')).toBe(rdn.slice(3).replace('\\', ''));
    }
  });

  it('refuses to rename its naming context', async () => {
    const directory = openEmbedded(AD_CONTEXT);
    await directory.apply([ROOT]);
    const rename: LdapOperation = { kind: 'rename', dn: AD_CONTEXT, newRdn: 'CN=Other', deleteOldRdn: true };
    await expect(directory.apply([rename])).rejects.toMatchObject({ code: 'ldap-unwilling-to-perform' });
  });
});

describe('a long list of operations', () => {
  const many = Array.from(
    { length: 1000 },
    (_none, index): LdapOperation => ({ ...ROOT, dn: `CN=${index},${AD_CONTEXT}` }),
  );

  it('lets the process breathe, and nobody sees the middle of it', async () => {
    const directory = openEmbedded(AD_CONTEXT);
    await directory.apply([ROOT]);
    let turns = 0;
    const breathing = setInterval(() => (turns += 1), 1);
    const work = directory.apply(many);
    const counts = [0, 1, 2].map(() => directory.search({ base: AD_CONTEXT, scope: 'one' }));
    const later = directory.apply([{ ...ROOT, dn: `CN=later,${AD_CONTEXT}` }]);
    await Promise.all([work, later]);
    clearInterval(breathing);
    expect(turns).toBeGreaterThan(1);
    for (const found of await Promise.all(counts)) expect(found.length).toBeGreaterThanOrEqual(1000);
  });

  it('leaves nothing behind when one of them fails, and says which', async () => {
    const directory = openEmbedded(AD_CONTEXT);
    await directory.apply([ROOT]);
    const work = directory.apply([...many, ROOT]);
    await expect(work).rejects.toMatchObject({ code: 'ldap-entry-already-exists', failedOperation: 1000 });
    expect(await directory.search({ base: AD_CONTEXT, scope: 'one' })).toEqual([]);
    expect(directory.changeMark.highestCommittedUsn).toBe(1);
  });

  it('leaves nothing behind when the directory is closed meanwhile', async () => {
    const folder = temporaryFolder();
    const directory = open(folder);
    await directory.apply([ROOT]);
    const work = directory.apply(many);
    directory.close();
    await expect(work).rejects.toMatchObject({ code: 'directory-closed' });
    const again = openEmbedded(AD_CONTEXT, folder);
    expect(await again.search({ base: AD_CONTEXT, scope: 'sub' })).toHaveLength(1);
  });
});

describe('a directory file of format 1', () => {
  const FORMAT_1 = `
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE entries (id INTEGER PRIMARY KEY, dn_key TEXT NOT NULL UNIQUE, dn TEXT NOT NULL, parent_key TEXT NOT NULL) STRICT;
    CREATE INDEX entries_by_parent ON entries (parent_key);
    CREATE TABLE entry_values (
      entry_id INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
      attribute TEXT NOT NULL, position INTEGER NOT NULL, value BLOB NOT NULL,
      PRIMARY KEY (entry_id, attribute, position)
    ) STRICT, WITHOUT ROWID;
    PRAGMA user_version = 1;
    INSERT INTO facts VALUES ('naming-context', 'DC=test');
    INSERT INTO entries VALUES (1, 'dc=test', 'DC=test', ''), (7, 'cn=a,dc=test', 'CN=a,DC=test', 'dc=test');
    INSERT INTO entry_values VALUES (7, 'objectClass', 0, CAST('msExchContainer' AS BLOB)), (7, 'cn', 0, CAST('a' AS BLOB)),
      (7, 'structuralObjectClass', 0, CAST('msExchContainer' AS BLOB)),
      (7, 'entryUUID', 0, CAST('11111111-2222-4333-8444-555555555555' AS BLOB));`;

  function openFormat1(): EmbeddedDirectory {
    const folder = temporaryFolder();
    const database = new DatabaseSync(join(folder, 'directory.db'));
    database.exec(FORMAT_1);
    database.close();
    return openEmbedded('DC=other', folder);
  }

  it('is upgraded: what is in it has change numbers and is found by its identity', async () => {
    const directory = openFormat1();
    expect(directory.namingContext).toBe('DC=test');
    const filter = '(entryUUID=11111111-2222-4333-8444-555555555555)';
    const [entry] = await directory.search({ base: 'DC=test', scope: 'sub', filter, attributes: ['*', '+'] });
    expect([entry?.dn, entry && getText(entry, 'uSNChanged')]).toEqual(['CN=a,DC=test', '7']);
    expect(directory.changeMark).toMatchObject({ highestCommittedUsn: 7, purgedUsn: 0 });
  });

  it('takes changes, with numbers that go on', async () => {
    const directory = openFormat1();
    const { position } = await directory.readChanges('DC=test');
    await directory.apply([{ kind: 'delete', dn: 'CN=a,DC=test' }]);
    expect((await directory.readChanges('DC=test', position)).deleted).toEqual([
      { dn: 'CN=a,DC=test', guid: '11111111-2222-4333-8444-555555555555' },
    ]);
    expect(directory.changeMark.highestCommittedUsn).toBe(8);
  });
});

describe('difference of two sets of entries', () => {
  const part = fc.constantFrom('a', 'b', 'c');
  /** Entries whose parents are all there. */
  const tree = fc
    .array(fc.tuple(fc.array(part, { minLength: 1, maxLength: 3 }), fc.subarray(['x', 'y', 'Z'])), { maxLength: 12 })
    .map((items) => {
      const entries = new Map<string, LdapEntry>();
      for (const [path, descriptions] of items) {
        for (let depth = 1; depth <= path.length; depth += 1) {
          const dn = [
            ...path
              .slice(0, depth)
              .toReversed()
              .map((name) => `CN=${name}`),
            AD_CONTEXT,
          ].join(',');
          if (entries.has(dn) && depth < path.length) continue;
          const attributes = toAttributes({
            objectClass: 'msExchContainer',
            ...(descriptions.length > 0 ? { description: descriptions } : {}),
          });
          entries.set(dn, { dn, attributes });
        }
      }
      return [...entries.values()];
    });

  it('makes any tree into any other, and is empty between equal ones', async () => {
    const directory = openEmbedded(AD_CONTEXT);
    await directory.apply([ROOT]);
    const read = async () =>
      (await directory.search({ base: AD_CONTEXT, scope: 'sub' })).filter(({ dn }) => dn !== AD_CONTEXT);
    await fc.assert(
      fc.asyncProperty(tree, async (wanted) => {
        await directory.apply(diffEntries(await read(), wanted));
        const found = await read();
        expect(found.map(({ dn }) => dn).toSorted()).toEqual(wanted.map(({ dn }) => dn).toSorted());
        expect(diffEntries(found, wanted)).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('leaves ignored and operational attributes alone, and the order of values', () => {
    const make = (values: Parameters<typeof toAttributes>[0]): LdapEntry => ({
      dn: AD_CONTEXT,
      attributes: toAttributes(values),
    });
    const current = make({ description: ['a', 'b'], adminDescription: 'mine', entryUUID: 'x' });
    expect(diffEntries([current], [make({ Description: ['b', 'a'] })], { ignore: ['ADMINDESCRIPTION'] })).toEqual([]);
    expect(diffEntries([current], [make({ description: 'a' })])).toEqual([
      {
        kind: 'modify',
        dn: AD_CONTEXT,
        changes: [
          { operation: 'replace', attribute: 'description', values: [Buffer.from('a')] },
          { operation: 'replace', attribute: 'adminDescription', values: [] },
        ],
      },
    ]);
  });
});
