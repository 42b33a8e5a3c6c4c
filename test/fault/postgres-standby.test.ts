// Fault: the primary of the spool's database dies under load and its synchronous standby takes over, at another address that the
// setting names too; the former primary comes back beside it; the standby is away for a while.

import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { completeSpool, spoolSection } from '../../src/config-spool.ts';
import { silentLog } from '../../src/log.ts';
import { PostgresConnection } from '../../src/spool/postgres-connection.ts';
import { migrateSchema } from '../../src/spool/postgres-schema.ts';
import { PostgresSpool } from '../../src/spool/postgres-spool.ts';
import { hasPostgres } from '../helpers/postgres.ts';
import { PostgresPair } from '../helpers/postgres-pair.ts';
import { makeEnvelope, makeFolder, removeFolder, spoolOptions, storeMessage } from '../helpers/spool-fixtures.ts';
import { SpoolLoad } from '../helpers/spool-load.ts';
import { waitUntil } from '../helpers/wait.ts';

/** Against hanging: a slow machine is no failure. */
const LIMIT = { timeout: 600_000 };

describe.skipIf(!hasPostgres())('a spool on a primary and its synchronous standby', () => {
  let database: PostgresPair;
  const folders: string[] = [];
  const spools: PostgresSpool[] = [];

  beforeAll(async () => {
    database = await PostgresPair.start();
    process.env['PGPASSWORD'] = database.password;
    const connection = new PostgresConnection(settings(), silentLog());
    await migrateSchema(connection);
    await connection.close();
  }, 600_000);
  afterEach(async () => {
    for (const spool of spools.splice(0)) await spool.close();
    for (const folder of folders.splice(0)) removeFolder(folder);
  });
  afterAll(() => database?.stop());

  /** As in a config: both hosts, and nothing that weakens what is acknowledged. */
  function settings() {
    const parsed = spoolSection.parse({ backend: 'postgres', url: database.url, timeout: '5s', lease: '20s' });
    const completed = completeSpool(parsed, { role: 'hub', folder: '/' });
    if (typeof completed === 'string' || completed.backend !== 'postgres') throw new Error('not what was asked for');
    return completed;
  }

  async function open(): Promise<PostgresSpool> {
    const folder = makeFolder();
    folders.push(folder);
    const spool = await PostgresSpool.open({ ...spoolOptions(folder), log: silentLog(), postgres: settings() });
    spools.push(spool);
    return spool;
  }

  it('acknowledges nothing while the synchronous standby is away, and everything once it is back', LIMIT, async () => {
    const spool = await open();
    await storeMessage(spool, randomBytes(1000), makeEnvelope({ networkMessageId: 'before' }));
    database.standby.freeze();
    const answered: string[] = [];
    const ids = ['small', 'other', 'large'];
    const stored = ids.map(async (networkMessageId) => {
      const body = randomBytes(networkMessageId === 'large' ? 400_000 : 1000);
      await storeMessage(spool, body, makeEnvelope({ networkMessageId }));
      answered.push(networkMessageId);
    });
    const settled = Promise.allSettled(stored);
    try {
      await waitUntil('a COMMIT that waits for the standby', async () => {
        const { rows } = await database.primary.query("SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        return rows.length > 0;
      });
      expect(answered).toEqual([]);
    } finally {
      database.standby.thaw();
    }
    await settled;
    // What was given up in the meantime was refused; what was answered is there, once.
    const found = await listIds(spool);
    expect(answered.filter((id) => found.filter((each) => each === id).length !== 1)).toEqual([]);
    expect(answered).toContain('small');
  });

  it(
    'keeps what was acknowledged when the standby takes over under load, and two nodes find it by themselves',
    LIMIT,
    async () => {
      const nodes = [await open(), await open()] as const;
      const load = new SpoolLoad(nodes);
      await load.awaitMore(30);
      await database.primary.kill();
      await load.awaitRefusals(5);
      await database.promote();
      await load.awaitMore(30);
      // It takes writing, but is on an earlier timeline: nobody goes back to it.
      await database.former.resume();
      await load.awaitMore(30);
      await load.end();
      await load.expectKept(nodes[0]);
      expect(load.codes).toEqual(new Set(['spool-unavailable']));
      const { rows } = await database.former.query(
        'SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1',
        ['relaypair'],
      );
      expect(rows).toEqual([{ n: 0 }]);
    },
  );
});

async function listIds(spool: PostgresSpool): Promise<string[]> {
  return (await spool.list({ limit: 100_000 })).map(({ envelope }) => envelope.networkMessageId);
}
