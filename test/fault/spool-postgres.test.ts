// Faults of a spool that several servers share: a server is killed, or lost for a while; the database is killed in the middle of
// it; octets are changed; the settings are weak; mail is moved to another backend and the move is killed.

import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../src/log.ts';
import { EmbeddedSpool } from '../../src/spool/embedded-spool.ts';
import { PostgresConnection } from '../../src/spool/postgres-connection.ts';
import { migrateSchema } from '../../src/spool/postgres-schema.ts';
import { PostgresSpool } from '../../src/spool/postgres-spool.ts';
import { copySpool } from '../../src/spool/spool-copy.ts';
import type { Spool, SpoolOptions } from '../../src/spool/spool.ts';
import { hasPostgres } from '../helpers/postgres.ts';
import { TESTED_SPOOLS, withTestDatabase } from '../helpers/spool-backends.ts';
import {
  claimAll,
  envelopeFor,
  makeEnvelope,
  makeFolder,
  readBody,
  removeFolder,
  spoolOptions,
  storeMessage,
} from '../helpers/spool-fixtures.ts';
import { SpoolLoad } from '../helpers/spool-load.ts';
import { useSpoolServer } from '../helpers/spool-server.ts';
import { startSpoolProcess } from '../helpers/spool-process.ts';
import { waitUntil } from '../helpers/wait.ts';

const DELIVERED = { recipients: [{ index: 0, status: 'delivered' as const }] };

describe.skipIf(!hasPostgres())('a spool on PostgreSQL', () => {
  const place = useSpoolServer({ fsync: true });
  let folders: string[];
  let options: SpoolOptions;
  let spools: Spool[];

  beforeEach(() => {
    folders = [makeFolder()];
    options = withTestDatabase(spoolOptions(folders[0] ?? ''));
    spools = [];
  });
  afterEach(async () => {
    for (const spool of spools) await spool.close().catch(() => undefined);
    for (const folder of folders) removeFolder(folder);
  });

  /** Another server on the spool of the first folder. */
  async function open(changes: Partial<NonNullable<SpoolOptions['postgres']>> = {}): Promise<PostgresSpool> {
    const folder = spools.length === 0 ? (folders[0] ?? '') : makeFolder();
    if (spools.length > 0) folders.push(folder);
    const own = { ...spoolOptions(folder), log: silentLog() };
    const postgres = options.postgres && { ...options.postgres, ...changes };
    const backend = TESTED_SPOOLS.find(({ name }) => name === 'postgres');
    const spool = await backend?.open({ ...own, ...(postgres && { postgres }) });
    if (!(spool instanceof PostgresSpool)) throw new Error('not a spool on PostgreSQL');
    spools.push(spool);
    return spool;
  }

  it('gives what one server accepts to the one that claims it, woken by a notification, and to no other', async () => {
    const [first, second] = [await open(), await open()];
    const woken = new Promise<void>((resolve) => void second.onArrival(resolve));
    const bodies = Array.from({ length: 40 }, () => randomBytes(1000));
    const stored = await Promise.all(bodies.map((body) => storeMessage(first, body)));
    await woken;
    const claims = await Promise.all([claimAll(first, 'a'), claimAll(second, 'b'), claimAll(second, 'b')]);
    const ids = claims.flat().map(({ id }) => id);
    expect(ids.toSorted((a, b) => a - b)).toEqual(stored.map(({ id }) => id));
    const [message] = stored;
    expect(message && (await readBody(second, message)).equals(bodies[0] ?? Buffer.alloc(0))).toBe(true);
    expect((await first.nodes.list()).map(({ messages }) => messages).reduce((sum, each) => sum + each, 0)).toBe(40);
  });

  it('gives what a killed server held to another after its lease, and to that server at once', async () => {
    const watcher = await open({ lease: 2000 });
    const own = makeFolder();
    folders.push(own);
    const environment = ['env', `RELAYPAIR_TEST_SCHEMA=${options.postgres?.schema}`, 'RELAYPAIR_TEST_LEASE=2000'];
    const kill = async (): Promise<number[]> => {
      const child = startSpoolProcess(['postgres', own, 'fill'], environment);
      await child.waitForLines(5);
      await child.kill();
      return child.lines.filter((line) => line.startsWith('stored')).map((line) => Number(line.split(' ')[1]));
    };
    const first = await kill();
    const heldBy = async (): Promise<number[]> => (await watcher.nodes.list()).map(({ messages }) => messages);
    // Started again it takes over from what it was; killed again, the watcher takes over from it.
    const second = await kill();
    const claimed = await waitUntil('the lease to run out', async () => {
      await claimAll(watcher);
      return (await heldBy()).length === 1 ? (await watcher.list({ limit: 100_000 })).map(({ id }) => id) : undefined;
    });
    expect([...first, ...second].filter((id) => !claimed.includes(id))).toEqual([]);
  });

  it('lets nobody settle or deliver who has lost the claim, and both see one message', async () => {
    const [old, heir] = [await open(), await open()];
    const body = randomBytes(600_000);
    const message = await storeMessage(old, body, envelopeFor('a@example.org', 'b@example.org'));
    expect(await claimAll(old, 'old')).toHaveLength(1);
    await loseLease(message.id);
    expect(await claimAll(heir, 'heir')).toMatchObject([{ id: message.id }]);
    const report = { envelope: makeEnvelope({ source: 'DSN' }), traceFields: Buffer.alloc(0), body: Buffer.from('no') };
    expect(await old.settle(message.id, DELIVERED, [report])).toBeUndefined();
    expect(await heir.get(message.id)).toMatchObject({ recipients: [{ status: 'pending' }, { status: 'pending' }] });
    expect((await heir.count()).messages).toBe(1);
    expect(await old.renew([message.id], 'old')).toEqual([]);
    expect(await heir.settle(message.id, DELIVERED)).toMatchObject({ recipients: [{ status: 'delivered' }, {}] });
  });

  it('sets a message aside whose octets were changed, and hands out no last chunk of it', async () => {
    const spool = await open();
    const [small, large, envelope] = [
      await storeMessage(spool, randomBytes(1000)),
      await storeMessage(spool, randomBytes(900_000)),
      await storeMessage(spool, randomBytes(1000)),
    ];
    const schema = options.postgres?.schema;
    const flip = (column: string): string => `set_byte(${column}, 500, get_byte(${column}, 500) # 1)`;
    await place.server.query(`UPDATE ${schema}.message SET body = ${flip('body')} WHERE id = ${small.id}`);
    await place.server.query(
      `UPDATE ${schema}.chunk SET octets = ${flip('octets')} WHERE message = ${large.id} AND number = 2`,
    );
    await place.server.query(`UPDATE ${schema}.message SET trace = trace || '\\x41' WHERE id = ${envelope.id}`);
    for (const message of [small, large]) {
      await expect(readBody(spool, message)).rejects.toMatchObject({ code: 'spool-damaged' });
    }
    expect(await claimAll(spool)).toEqual([]);
    expect((await spool.listDamaged()).map(({ id }) => id)).toEqual([small.id, large.id, envelope.id]);
    expect(await spool.count()).toEqual({ messages: 0, bytes: 0, damaged: 3, poison: 0 });
    const good = await storeMessage(spool, randomBytes(10));
    const discards = [small, large, envelope, small, good].map(({ id }) => spool.discardDamaged(id));
    expect((await Promise.all(discards)).filter(Boolean)).toHaveLength(3);
    expect([await spool.count(), await spool.inspectFiles()]).toEqual([
      { messages: 1, bytes: 10, damaged: 0, poison: 0 },
      [],
    ]);
  });

  it('keeps what was acknowledged, and only once, while the database is killed under load again and again', {
    timeout: 300_000,
  }, async () => {
    const spool = await open({ timeout: 5000 });
    const load = new SpoolLoad([spool]);
    for (let kill = 0; kill < 4; kill += 1) {
      await load.awaitMore(10);
      await place.server.kill();
      await place.server.resume();
    }
    await load.end();
    const found = await load.expectKept(spool);
    await waitUntil('every message to be claimable', async () => {
      // Its lease may have ended under the kills: the next beat renews it.
      await claimAll(spool).catch(() => []);
      return (await spool.nodes.list()).every(({ messages }) => messages === found.length);
    });
  });

  it('is refused in one sentence where the database may lose what it acknowledged', async () => {
    await open();
    await place.server.query('ALTER ROLE relaypair SET synchronous_commit = off');
    try {
      await expect(open({ allowUnsafe: false })).rejects.toMatchObject({ code: 'spool-unsafe' });
      await expect(open({ allowUnsafe: false })).rejects.toThrow(/synchronous_commit is off.*allowUnsafe$/);
    } finally {
      await place.server.query('ALTER ROLE relaypair RESET synchronous_commit');
    }
  });

  it('is refused in one sentence without its tables, and with those of a later version', async () => {
    const bare = { ...options, postgres: options.postgres && { ...options.postgres, schema: 'nowhere' } };
    await expect(PostgresSpool.open(bare as Parameters<typeof PostgresSpool.open>[0])).rejects.toThrow(
      'has no spool in the schema nowhere: run "relaypair spool migrate" and start again',
    );
    await open();
    await place.server.query(`INSERT INTO ${options.postgres?.schema}.migration (version) VALUES (99)`);
    await expect(open()).rejects.toMatchObject({ code: 'format-too-new' });
  });

  it('keeps its mail when tables of the first version are brought up to date, and is refused before', async () => {
    const { id } = await storeMessage(await open(), randomBytes(1000));
    await spools.pop()?.close();
    const { postgres } = options;
    if (!postgres) throw new Error('no database');
    const { schema } = postgres;
    // As the first version had it.
    await place.server.query(`ALTER TABLE ${schema}.node DROP COLUMN report`);
    const later = ['suspension', 'drill_delivery', 'drill_mail', 'drill'];
    for (const table of later) await place.server.query(`DROP TABLE ${schema}.${table}`);
    await place.server.query(`DELETE FROM ${schema}.migration WHERE version > 1`);
    await expect(open()).rejects.toMatchObject({ code: 'spool-not-migrated' });
    const connection = new PostgresConnection(postgres, silentLog());
    expect(await migrateSchema(connection)).toMatchObject({ from: 1 });
    await connection.close();
    expect((await claimAll(await open())).map((each) => each.id)).toEqual([id]);
  });

  it('is filled from the embedded one and emptied into it, whole, although the copy is interrupted each time', async () => {
    const shared = await open();
    const folder = makeFolder();
    folders.push(folder);
    const embedded = await EmbeddedSpool.open(spoolOptions(folder));
    spools.push(embedded);
    const bodies = new Map<string, Buffer>();
    for (let number = 0; number < 30; number += 1) {
      const body = randomBytes(number % 7 === 0 ? 500_000 : 3000);
      bodies.set(String(number), body);
      const envelope = makeEnvelope({
        networkMessageId: String(number),
        recipients: [{ address: 'a@example.org' }, { address: 'b@example.org' }],
      });
      const { id } = await storeMessage(embedded, body, envelope);
      if (number % 3 === 0) await embedded.settle(id, { ...DELIVERED, attempts: 2, suspended: true });
    }
    for (const [from, to] of [
      [embedded, shared],
      [shared, embedded],
    ] as const) {
      const before = await describeAll(from);
      for (const steps of [5, 0, 9]) await expect(copySpool(interrupted(from, steps), to)).rejects.toThrow('cut off');
      const { moved, found } = await copySpool(from, to);
      expect([moved, found]).toEqual([16, 1]);
      expect((await from.count()).messages).toBe(0);
      expect(await describeAll(to)).toEqual(before);
      for (const message of await to.list({ limit: 100 })) {
        const body = bodies.get(message.envelope.networkMessageId);
        expect(body && (await readBody(to, message)).equals(body)).toBe(true);
      }
    }
  });

  /** What others do to a server that shows no life. */
  async function loseLease(id: number): Promise<void> {
    const schema = options.postgres?.schema;
    await place.server.query(
      `DELETE FROM ${schema}.node WHERE id = (SELECT owner FROM ${schema}.message WHERE id = ${id})`,
    );
    await place.server.query(`UPDATE ${schema}.message SET owner = NULL WHERE id = ${id}`);
  }
});

async function describeAll(spool: Spool): Promise<unknown[]> {
  const all = await spool.list({ limit: 1000 });
  return all
    .map(({ id: _id, ...message }) => message)
    .toSorted((a, b) => Number(a.envelope.networkMessageId) - Number(b.envelope.networkMessageId));
}

/** A source that is cut off when a message is to be removed from it, after `steps` of them. */
function interrupted(spool: Spool, steps: number): Spool {
  let left = steps;
  return new Proxy(spool, {
    get: (target, key) => {
      if (key === 'settle' && left-- <= 0) return () => Promise.reject(new Error('cut off'));
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
