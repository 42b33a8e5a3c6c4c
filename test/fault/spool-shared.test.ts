// Faults among the servers of one spool, beyond those of spool-postgres.test.ts: COMMITs that hang, a lease that is lost under a
// delivery, a data folder that was copied, a copy that meets a server.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PostgresSpoolConfig } from '../../src/config-spool.ts';
import { PostgresSpool } from '../../src/spool/postgres-spool.ts';
import type { SpoolOptions } from '../../src/spool/spool.ts';
import { moveSpool } from '../../src/spool/spool-moving.ts';
import { type KeptLog, keptLog } from '../helpers/kept-log.ts';
import { hasPostgres } from '../helpers/postgres.ts';
import { TESTED_SPOOLS, withTestDatabase } from '../helpers/spool-backends.ts';
import {
  claimAll,
  makeEnvelope,
  makeFolder,
  removeFolder,
  spoolOptions,
  storeMessage,
} from '../helpers/spool-fixtures.ts';
import { startSpoolProcess } from '../helpers/spool-process.ts';
import { useSpoolServer } from '../helpers/spool-server.ts';
import { waitUntil } from '../helpers/wait.ts';
import { allOf, QueueBench } from '../unit/transport/queue-bench.ts';

/** Of servers that are to be held for dead. */
const LEASE_MS = 4000;
/** Of those that never are, however slow the machine is. */
const LONG_LEASE_MS = 300_000;

describe.skipIf(!hasPostgres())('servers of one spool', () => {
  const place = useSpoolServer();
  let folders: string[];
  let spools: PostgresSpool[];
  let kept: KeptLog;

  beforeEach(() => {
    folders = [makeFolder()];
    spools = [];
    kept = keptLog();
  });
  afterEach(async () => {
    for (const spool of spools) await spool.close().catch(() => undefined);
    for (const folder of folders) removeFolder(folder);
  });

  function newFolder(): string {
    const folder = makeFolder();
    folders.push(folder);
    return folder;
  }

  /** Those of a server with its data in `folder`, on the spool of the first folder. */
  function optionsFor(folder: string, changes: Partial<PostgresSpoolConfig> = {}): SpoolOptions {
    const { postgres } = withTestDatabase(spoolOptions(folders[0] ?? ''), { lease: LEASE_MS, ...changes });
    if (!postgres) throw new Error('no database');
    return { ...spoolOptions(folder), log: kept.log, name: folder, postgres };
  }

  async function open(folder = newFolder(), changes: Partial<PostgresSpoolConfig> = {}): Promise<PostgresSpool> {
    const backend = TESTED_SPOOLS.find(({ name }) => name === 'postgres');
    const spool = await backend?.open(optionsFor(folder, changes));
    if (!(spool instanceof PostgresSpool)) throw new Error('not a spool on PostgreSQL');
    spools.push(spool);
    return spool;
  }

  function schema(): string {
    return optionsFor(folders[0] ?? '').postgres?.schema ?? '';
  }

  /** The rows of servers that have the spool open. */
  async function rows(spool: PostgresSpool): Promise<(number | undefined)[]> {
    return (await spool.nodes.list()).map(({ id }) => id);
  }

  it('takes in nothing while COMMITs hang, with a few connections and no body kept, and goes on when they return', async () => {
    const options = { timeout: 1500, lease: LONG_LEASE_MS };
    // So short a time may pass on a machine that has much to do.
    const spool = await waitUntil('the spool to open', () => open(newFolder(), options).catch(() => undefined));
    await storeMessage(spool, randomBytes(1000), makeEnvelope({ networkMessageId: 'before' }));
    const setStandby = async (name: string): Promise<void> => {
      await place.server.query(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`);
      await place.server.query('SELECT pg_reload_conf()');
    };
    await setStandby('nobody');
    try {
      let [refused, number] = [0, 0];
      const over = new AbortController();
      const senders = Array.from({ length: 8 }, async () => {
        while (!over.signal.aborted) {
          const networkMessageId = `hung ${number++}`;
          await storeMessage(spool, randomBytes(100_000), makeEnvelope({ networkMessageId })).then(
            () => expect.unreachable(networkMessageId),
            (error: unknown) => {
              expect(error).toMatchObject({ code: 'spool-unavailable' });
              refused += 1;
            },
          );
          await new Promise((resolve) => void setTimeout(resolve, 5));
        }
      });
      // Far more than could hang one after the other: what was refused last was refused at once.
      await waitUntil('many refusals', () => refused > 300, 100_000);
      const { rows: sessions } = await place.server.query(
        `SELECT count(*)::int AS busy FROM pg_stat_activity WHERE application_name = 'relaypair' AND state <> 'idle'`,
      );
      expect((sessions as { busy: number }[])[0]?.busy).toBeLessThan(30);
      over.abort();
      await Promise.all(senders);
    } finally {
      await setStandby('');
    }
    await waitUntil('the spool to take in again', () =>
      storeMessage(spool, randomBytes(1000), makeEnvelope({ networkMessageId: 'after' })).then(
        () => true,
        () => false,
      ),
    );
    const left = (await spool.list({ limit: 1000 })).map(({ envelope }) => envelope.networkMessageId);
    expect(left.toSorted()).toEqual(['after', 'before']);
    expect(await spool.inspectFiles()).toEqual([]);
  });

  it('leaves no session waiting for a lock in the database, since one whose COMMIT hangs never gives it back', async () => {
    const spool = await open(newFolder(), { timeout: 3000, lease: LONG_LEASE_MS });
    const { id } = await storeMessage(spool, randomBytes(1000));
    await claimAll(spool, 'a');
    const holder = new Client({ connectionString: place.server.url() });
    await holder.connect();
    try {
      await holder.query(`BEGIN; SELECT FROM ${schema()}.message WHERE id = ${id} FOR UPDATE`);
      // A statement by itself, which is not in a transaction that has a limit of its own.
      await spool.release([id], 'a');
      await waitUntil('the session to end', async () => {
        const { rows: sessions } = await place.server.query(
          `SELECT FROM pg_stat_activity WHERE application_name = 'relaypair' AND wait_event_type = 'Lock'`,
        );
        return sessions.length === 0;
      });
    } finally {
      await holder.end();
    }
    expect(
      await waitUntil('the message to be free', () => claimAll(spool, 'b').then((found) => found[0])),
    ).toMatchObject({ id });
  });

  it('delivers a message once although the lease was lost under the delivery and the same server claims it again', async () => {
    const spool = await open(newFolder(), { lease: LONG_LEASE_MS });
    await using bench = await QueueBench.open({ spool });
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    bench.scripts['slow.test'] = {
      deliver: async (parcel) => {
        begun += 1;
        await gate.promise;
        return allOf(parcel, 'delivered', '250 2.0.0 ok');
      },
    };
    const now = bench.clock.now();
    const envelope = makeEnvelope({
      recipients: [{ address: 'a@slow.test' }],
      receivedAt: now,
      expiresAt: new Date(now.getTime() + 1e9),
    });
    bench.queue.start();
    await storeMessage(spool, randomBytes(1000), envelope);
    await waitUntil('the delivery', () => begun === 1);
    const lost: number[] = [];
    spool.onLoss((ids) => void lost.push(...ids));
    // What others do to a server that shows no life.
    await place.server.query(`DELETE FROM ${schema()}.node`);
    await place.server.query(`UPDATE ${schema()}.message SET owner = NULL`);
    spool.nodes.reportSoon();
    await waitUntil('the message to be held again', async () => {
      return (await spool.nodes.list()).some(({ messages }) => messages === 1);
    });
    expect(lost).toHaveLength(1);
    // As much again is claimed and sorted: what was claimed before it is too.
    await storeMessage(spool, randomBytes(1000), { ...envelope, recipients: [{ address: 'b@good.test' }] });
    await waitUntil('another message to be delivered', () => bench.delivered.includes('b@good.test'));
    expect(begun).toBe(1);
    gate.resolve();
    await waitUntil('the spool to be empty', async () => (await spool.count()).messages === 0);
    expect(bench.delivered.filter((address) => address === 'a@slow.test')).toHaveLength(1);
  });

  it('refuses the second process of one identity in one sentence, and lets the copy take over once the first is dead', async () => {
    const [own, copy] = [newFolder(), newFolder()];
    const environment = ['env', `RELAYPAIR_TEST_SCHEMA=${schema()}`, `RELAYPAIR_TEST_LEASE=${LEASE_MS}`];
    const watcher = await open(newFolder(), { lease: LONG_LEASE_MS });
    const child = startSpoolProcess(['postgres', own, 'serve'], environment);
    await child.waitFor('open');
    child.tell('1000');
    await child.waitFor('stored');
    execFileSync('cp', ['-r', join(own, 'spool'), copy]);
    const before = await rows(watcher);
    await expect(open(copy)).rejects.toMatchObject({ code: 'in-use' });
    await expect(open(copy)).rejects.toThrow(/under this server's identity, since the data folder was copied: /);
    expect(await rows(watcher)).toEqual(before);
    await child.kill();
    const heir = await open(copy);
    expect(await rows(watcher)).toHaveLength(2);
    expect(await claimAll(heir)).toHaveLength(1);
  });

  it('does not take back what a twin has that was not noticed, until that one is gone', async () => {
    const [own, copy] = [newFolder(), newFolder()];
    const patient = { lease: LONG_LEASE_MS };
    const first = await open(own, patient);
    execFileSync('cp', ['-r', join(own, 'spool'), copy]);
    // As where machine, path and file are the same: a machine that was copied as a whole.
    const identity = new DatabaseSync(join(copy, 'spool', 'node.db'));
    identity.exec("UPDATE identity SET place = ''");
    identity.close();
    const twin = await open(copy, patient);
    const [row] = await rows(twin);
    const complaints = (): number =>
      kept.lines.filter((line) => line.includes("at work on the spool under this server's identity")).length;
    await waitUntil('the first to notice more than once', () => {
      first.nodes.reportSoon();
      return complaints() > 2;
    });
    expect(await rows(twin)).toEqual([row]);
    await expect(storeMessage(first, randomBytes(1000))).rejects.toMatchObject({ code: 'spool-unavailable' });
    await storeMessage(twin, randomBytes(1000));
    await twin.close();
    await waitUntil('the first to go on', () => {
      first.nodes.reportSoon();
      return storeMessage(first, randomBytes(1000)).then(
        () => true,
        () => false,
      );
    });
  });

  describe('when mail is copied', () => {
    const copy = (): Promise<unknown> => moveSpool({ ...optionsFor(newFolder()), from: 'embedded', to: 'postgres' });

    it('waits for the lease of a server that is gone, and refuses while one lives', async () => {
      await (await open()).close();
      await place.server.query(
        `INSERT INTO ${schema()}.node (server, name, lease_ms) VALUES (gen_random_uuid(), 'gone', ${LEASE_MS})`,
      );
      expect(await copy()).toMatchObject({ moved: 0 });
      await open();
      await expect(copy()).rejects.toMatchObject({ code: 'spool-shared' });
    });

    it('begins neither beside a server that is just beginning, nor lets one begin beside it', async () => {
      await (await open()).close();
      const starting = new Client({ connectionString: place.server.url() });
      await starting.connect();
      try {
        await starting.query(`BEGIN; LOCK TABLE ${schema()}.copy IN SHARE MODE`);
        const copying = copy().then(
          () => 'copied',
          (error: { code?: string }) => error.code,
        );
        await waitUntil('the copy to wait', async () => {
          const { rows: waiting } = await place.server.query(
            `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'LOCK TABLE%'`,
          );
          return waiting.length > 0;
        });
        await starting.query(
          `INSERT INTO ${schema()}.node (server, name, lease_ms) VALUES (gen_random_uuid(), 'begins', 60000); COMMIT`,
        );
        expect(await copying).toBe('spool-shared');
      } finally {
        await starting.end();
      }
      await place.server.query(`DELETE FROM ${schema()}.node; INSERT INTO ${schema()}.copy VALUES (gen_random_uuid())`);
      await expect(open()).rejects.toMatchObject({ code: 'spool-copy-unfinished' });
    });
  });
});
