// A shared spool through PgBouncer, in each of its modes: what works is the table in docs/spool-postgres.md.

import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PostgresSpoolConfig } from '../../src/config-spool.ts';
import { PostgresSpool } from '../../src/spool/postgres-spool.ts';
import type { SpoolOptions } from '../../src/spool/spool.ts';
import { type KeptLog, keptLog } from '../helpers/kept-log.ts';
import { hasPgBouncer, PgBouncer } from '../helpers/pgbouncer.ts';
import { hasPostgres } from '../helpers/postgres.ts';
import { TESTED_SPOOLS, withTestDatabase } from '../helpers/spool-backends.ts';
import {
  claimAll,
  makeEnvelope,
  makeFolder,
  readBody,
  removeFolder,
  spoolOptions,
  storeMessage,
} from '../helpers/spool-fixtures.ts';
import { SpoolLoad } from '../helpers/spool-load.ts';
import { useSpoolServer } from '../helpers/spool-server.ts';
import { waitUntil } from '../helpers/wait.ts';

const DELIVERED = { recipients: [{ index: 0, status: 'delivered' as const }] };
const POLLED_MS = 300;

describe.skipIf(!hasPostgres() || !hasPgBouncer())('a spool through PgBouncer', () => {
  const place = useSpoolServer({ fsync: true, settings: { full_page_writes: 'on' } });
  let folders: string[];
  let spools: PostgresSpool[];
  let pooler: PgBouncer | undefined;
  let kept: KeptLog;

  beforeEach(() => {
    folders = [makeFolder()];
    spools = [];
    kept = keptLog();
  });
  afterEach(async () => {
    for (const spool of spools) await spool.close().catch(() => undefined);
    await pooler?.stop();
    pooler = undefined;
    for (const folder of folders) removeFolder(folder);
  });

  /** A server on the spool of the first folder, through PgBouncer where there is one. */
  async function open(changes: Partial<PostgresSpoolConfig> = {}): Promise<PostgresSpool> {
    const options: SpoolOptions = withTestDatabase(spoolOptions(folders[0] ?? ''), { timeout: 5000, ...changes });
    if (!options.postgres) throw new Error('no database');
    const { schema, hosts } = options.postgres;
    const [host] = hosts;
    const folder = makeFolder();
    folders.push(folder);
    const through = host && pooler ? [{ ...host, port: pooler.port }] : hosts;
    const backend = TESTED_SPOOLS.find(({ name }) => name === 'postgres');
    const postgres = { ...options.postgres, schema, hosts: through };
    const spool = await backend?.open({ ...spoolOptions(folder), log: kept.log, postgres });
    if (!(spool instanceof PostgresSpool)) throw new Error('not a spool on PostgreSQL');
    spools.push(spool);
    return spool;
  }

  function said(text: string): number {
    return kept.lines.filter((line) => line.includes(text)).length;
  }

  it.each(['session', 'transaction'] as const)('is the same to two servers in %s mode', async (mode) => {
    pooler = await PgBouncer.start(place.server, mode);
    // In session mode nobody looks: the notification alone wakes.
    const pollInterval = mode === 'session' ? 600_000 : POLLED_MS;
    const [first, second] = [await open({ pollInterval }), await open({ pollInterval })];
    expect(said('transaction mode')).toBe(mode === 'session' ? 0 : 2);
    const bodies = new Map<number, Buffer>();
    for (const size of [0, 1000, 700_000, 3000, 1000, 1000]) {
      const body = randomBytes(size);
      bodies.set((await storeMessage(first, body)).id, body);
    }
    // What came while nobody listened is found by the one that begins to, and what comes later wakes it.
    const found = new Set<number>();
    const claim = async (): Promise<void> => {
      for (const { id } of await claimAll(second, 'b')) found.add(id);
    };
    second.onArrival(() => void claim());
    await claim();
    const late = randomBytes(2000);
    bodies.set((await storeMessage(first, late)).id, late);
    await waitUntil('the other server to find everything', () => found.size === bodies.size);
    expect(await claimAll(first, 'a')).toEqual([]);
    for (const message of await second.list({ limit: 100 })) {
      expect((await readBody(second, message)).equals(bodies.get(message.id) ?? Buffer.from('?'))).toBe(true);
    }
    const [settled = 0, ...others] = [...bodies.keys()];
    const report = {
      envelope: makeEnvelope({ source: 'DSN' }),
      traceFields: Buffer.alloc(0),
      body: randomBytes(300_000),
    };
    expect(await second.settle(settled, DELIVERED, [report])).toBeUndefined();
    await second.release(others, 'b');
    expect(await first.count()).toMatchObject({ messages: bodies.size, damaged: 0 });
  });

  it.each(['session', 'transaction'] as const)(
    'loses and doubles nothing when it is killed in %s mode',
    async (mode) => {
      pooler = await PgBouncer.start(place.server, mode);
      const spool = await open();
      const load = new SpoolLoad([spool]);
      for (const killed of [pooler, place.server]) {
        await load.awaitMore(10);
        await killed.kill();
        await killed.resume();
      }
      await load.awaitMore(10);
      await load.end();
      await load.expectKept(spool);
    },
  );

  it('finds transaction mode out with one session for all, and says so once, in one sentence', async () => {
    pooler = await PgBouncer.start(place.server, 'transaction', 1);
    const spool = await open();
    await storeMessage(spool, randomBytes(1000));
    expect((await spool.count()).messages).toBe(1);
    expect(said('reached through a pooler in transaction mode: no notification comes through it')).toBe(1);
  });

  it('asks each session that transaction mode leads to whether it keeps what it acknowledges', async () => {
    pooler = await PgBouncer.start(place.server, 'transaction');
    const spool = await open({ allowUnsafe: false });
    await storeMessage(spool, randomBytes(1000));
    await place.server.query('ALTER ROLE relaypair SET synchronous_commit = off');
    try {
      // The server keeps its connections to PgBouncer, which makes new ones to the database.
      await place.server.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()',
        ['relaypair'],
      );
      await waitUntil('a weak session to be refused', () =>
        storeMessage(spool, randomBytes(1000)).then(
          () => false,
          (error: { code?: string }) => error.code === 'spool-unsafe',
        ),
      );
    } finally {
      await place.server.query('ALTER ROLE relaypair RESET synchronous_commit');
    }
  });

  it('is refused in one sentence in statement mode', async () => {
    await open();
    pooler = await PgBouncer.start(place.server, 'statement');
    const opening = open();
    await expect(opening).rejects.toMatchObject({ code: 'spool-refused' });
    await expect(opening).rejects.toThrow(/allows no transactions .*: set its pool_mode to session or transaction$/);
  });

  it('says nothing of a pooler where there is none', async () => {
    await open();
    expect(said('pooler')).toBe(0);
  });
});
