// The change feed, read from the embedded directory itself and over LDAP: each change once and in its order, in pieces of any
// size, deletions by their tombstones, and a position that is refused when it says nothing here.

import { randomUUID } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/clock.ts';
import type { ChangePage } from '../../src/directory/change-feed.ts';
import type { Directory } from '../../src/directory/directory.ts';
import { EmbeddedDirectory } from '../../src/directory/embedded-directory.ts';
import { LdapDirectory } from '../../src/directory/ldap-directory.ts';
import { connectLdap } from '../../src/ldap/client.ts';
import { childDn } from '../../src/ldap/dn.ts';
import { getText, type LdapOperation, toAttributes } from '../../src/ldap/entry.ts';
import { LdapListener } from '../../src/ldap/server.ts';
import { silentLog } from '../../src/log.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { OpenLdapHandler } from '../helpers/open-ldap-handler.ts';
import { openEmbedded, temporaryFolder } from '../unit/directory/fixtures.ts';

const CONTEXT = 'CN=Configuration,DC=contoso,DC=test';
const SHELF = childDn('CN', 'Recipients', CONTEXT);
const OTHER = childDn('CN', 'Sites', CONTEXT);
const DELETED = childDn('CN', 'Deleted Objects', CONTEXT);
const DAY_MS = 86_400_000;

let keyPair: KeyPair;
const ends: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  keyPair = await createSelfSigned({ netbiosName: 'LDAP', fqdn: 'ldap.contoso.test', notBefore: new Date() });
});

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

function add(dn: string): LdapOperation {
  return { kind: 'add', dn, attributes: toAttributes({ objectClass: 'msExchContainer' }) };
}

function one(name: string, parent = SHELF): LdapOperation {
  return add(childDn('CN', name, parent));
}

function change(name: string): LdapOperation {
  const values = [Buffer.from(randomUUID())];
  return {
    kind: 'modify',
    dn: childDn('CN', name, SHELF),
    changes: [{ operation: 'replace', attribute: 'description', values }],
  };
}

function remove(name: string): LdapOperation {
  return { kind: 'delete', dn: childDn('CN', name, SHELF) };
}

interface Opened {
  /** As its reader sees it. */
  readonly directory: Directory;
  readonly clock: SystemClock;
  readonly folder: string;
}

async function overLdap(served: EmbeddedDirectory): Promise<Directory> {
  const listener = await LdapListener.open({
    host: '127.0.0.1',
    port: 0,
    security: { kind: 'tls', keyPair: () => keyPair },
    handler: new OpenLdapHandler(served, 'a password'),
    log: silentLog(),
  });
  ends.push(() => listener.close());
  const connect = async () => {
    const client = await connectLdap({ host: '127.0.0.1', port: listener.address.port, approve: () => undefined });
    await client.bindSimple('CN=admin', 'a password');
    return client;
  };
  const directory = await LdapDirectory.open({
    servers: [{ name: 'ldap', connect }],
    namingContext: '',
    clock: new SystemClock(),
  });
  ends.push(() => directory.close());
  return directory;
}

async function read(directory: Directory, since?: string, limit?: number): Promise<ChangePage> {
  const page = await directory.readChanges(SHELF, since, limit);
  if (!page) throw new Error('the directory keeps no change numbers');
  return page;
}

function names({ changed }: ChangePage): string[] {
  return changed.map((entry) => getText(entry, 'cn') ?? '');
}

describe.each(['embedded', 'over LDAP'])('change feed, %s', (kind) => {
  async function open(...operations: LdapOperation[]): Promise<Opened> {
    const clock = new SystemClock();
    const folder = temporaryFolder();
    const served = openEmbedded(CONTEXT, folder, clock);
    await served.apply([add(CONTEXT), add(SHELF), add(OTHER), add(DELETED), ...operations]);
    return { directory: kind === 'embedded' ? served : await overLdap(served), clock, folder };
  }

  it('gives all that is under the base without a position, and nothing more with the one it then gave', async () => {
    const { directory } = await open(one('a'), one('b'), one('elsewhere', OTHER));
    const first = await read(directory);
    expect([names(first), first.deleted, first.isLast]).toEqual([['Recipients', 'a', 'b'], [], true]);
    const second = await read(directory, first.position);
    expect([second.changed, second.deleted, second.isLast]).toEqual([[], [], true]);
  });

  it('gives what was changed since, each entry once and as it is now, the oldest change first', async () => {
    const { directory } = await open(one('a'), one('b'), one('c'));
    const { position } = await read(directory);
    await directory.apply([change('c'), change('a'), one('d')]);
    await directory.apply([change('c')]);
    expect(names(await read(directory, position))).toEqual(['a', 'd', 'c']);
  });

  it('gives what was deleted since by the name and the identity it had', async () => {
    const { directory } = await open(one('a'), one('b, c'));
    const { changed, position } = await read(directory);
    const [, , entry] = changed;
    await directory.apply([remove('b, c')]);
    const page = await read(directory, position);
    expect(page.changed).toEqual([]);
    expect(page.deleted).toEqual([{ dn: entry?.dn, guid: entry && getText(entry, 'entryUUID') }]);
  });

  it('gives an entry of the same name that was made anew after its deletion as both', async () => {
    const { directory } = await open(one('a'));
    const { position } = await read(directory);
    await directory.apply([remove('a'), one('a')]);
    const page = await read(directory, position);
    expect([names(page), page.deleted.length]).toEqual([['a'], 1]);
  });

  it('says nothing of a change that was rolled back', async () => {
    const { directory } = await open(one('a'));
    const { position } = await read(directory);
    await expect(directory.apply([change('a'), remove('nobody')])).rejects.toMatchObject({ resultCode: 32 });
    expect((await read(directory, position)).changed).toEqual([]);
  });

  it('comes in pieces, and misses nothing that changes between them', async () => {
    const { directory } = await open(...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => one(name)));
    const seen: string[] = [];
    let page = await read(directory, undefined, 5);
    seen.push(...names(page));
    await directory.apply([change('a'), change('f'), remove('b'), remove('e')]);
    const gone: string[] = [];
    while (!page.isLast) {
      page = await read(directory, page.position, 5);
      seen.push(...names(page));
      gone.push(...page.deleted.map(({ dn }) => dn.slice(0, 4)));
    }
    // a was given and then changed; b and e were there when the reading began: that they are gone is said.
    expect([seen.toSorted((a, b) => a.localeCompare(b)), gone]).toEqual([
      ['a', 'a', 'c', 'd', 'f', 'Recipients'],
      ['CN=b', 'CN=e'],
    ]);
    await directory.apply([change('d')]);
    expect(names(await read(directory, page.position, 5))).toEqual(['d']);
  });

  it('keeps a deleted entry out of every search but one under Deleted Objects, and says little of it', async () => {
    const { directory } = await open(one('a'));
    await directory.apply([change('a')]);
    await directory.apply([remove('a')]);
    const found = await directory.search({ base: CONTEXT, scope: 'sub' });
    expect(found.map(({ dn }) => dn)).toEqual([CONTEXT, SHELF, OTHER, DELETED]);
    const [remains, ...more] = await directory.search({ base: DELETED, scope: 'one', attributes: ['*', '+'] });
    expect(more).toEqual([]);
    expect(remains && getText(remains, 'isDeleted')).toBe('TRUE');
    expect(remains && getText(remains, 'lastKnownParent')).toBe(SHELF);
    expect(remains && getText(remains, 'description')).toBeUndefined();
    for (const operation of [remove('a'), { kind: 'delete', dn: remains?.dn ?? '' } as const])
      await expect(directory.apply([operation])).rejects.toMatchObject({ resultCode: 32 });
  });

  it('forgets deletions after 60 days, and then refuses a position from before them', async () => {
    const { directory, clock } = await open(one('a'), one('b'));
    const { position } = await read(directory);
    await directory.apply([remove('a')]);
    const after = await read(directory, position);
    clock.move(59 * DAY_MS);
    await directory.apply([change('b')]);
    expect((await read(directory, position)).deleted).toHaveLength(1);
    clock.move(2 * DAY_MS);
    await directory.apply([change('b')]);
    expect(await directory.search({ base: DELETED, scope: 'one' })).toEqual([]);
    await expect(read(directory, position)).rejects.toMatchObject({ code: 'position-unknown' });
    expect(names(await read(directory, after.position))).toEqual(['b']);
    expect(names(await read(directory))).toEqual(['Recipients', 'b']);
  });

  it.each([
    ['of another directory', (position: string) => position.replace(/^[^:]*/, randomUUID())],
    ['that lies in the future', (position: string) => position.replace(/\d+$/, '999999')],
    ['that is no position', () => 'yesterday'],
  ])('refuses a position %s', async (_what, spoil) => {
    const { directory } = await open();
    const { position } = await read(directory);
    await expect(read(directory, spoil(position))).rejects.toMatchObject({ code: 'position-unknown' });
  });
});

describe('change numbers', () => {
  it('go on over a restart, under the same invocation id', async () => {
    const folder = temporaryFolder();
    const options = { folder, namingContext: CONTEXT, clock: new SystemClock(), log: silentLog() };
    const first = EmbeddedDirectory.open(options);
    await first.apply([add(CONTEXT)]);
    const before = first.changeMark;
    first.close();
    const second = openEmbedded(CONTEXT, folder);
    expect(second.changeMark).toEqual(before);
    await second.apply([add(SHELF)]);
    expect(second.changeMark).toEqual({ ...before, highestCommittedUsn: before.highestCommittedUsn + 1 });
  });

  it('are of one entry each, and stand in it', async () => {
    const directory = openEmbedded(CONTEXT);
    await directory.apply([add(CONTEXT), add(SHELF), one('a')]);
    await directory.apply([change('a')]);
    const [entry] = await directory.search({ base: childDn('CN', 'a', SHELF), scope: 'base', attributes: ['+'] });
    expect([entry && getText(entry, 'uSNCreated'), entry && getText(entry, 'uSNChanged')]).toEqual(['3', '4']);
  });

  it('cannot be written by anybody', async () => {
    const directory = openEmbedded(CONTEXT);
    const attributes = toAttributes({ objectClass: 'msExchContainer', uSNChanged: '1' });
    await expect(directory.apply([{ kind: 'add', dn: CONTEXT, attributes }])).rejects.toMatchObject({ resultCode: 19 });
  });
});
