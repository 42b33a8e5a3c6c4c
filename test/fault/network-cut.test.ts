// Fault: the network is cut between a node and the spool's database, and between the database's primary and its standby, in
// namespaces of the test's own. Nobody is told: what is sent is lost. Two Hubs and an Edge are at work meanwhile; what each side does is
// the table in docs/spool-postgres.md.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Ledger } from '../crash/ledger.ts';
import type { Kill } from '../crash/letter.ts';
import { NodeMail, sinkInto } from '../crash/node-mail.ts';
import { concludeNodes, findFaultsOfNodes } from '../crash/node-run.ts';
import { readPending } from '../crash/node-spools.ts';
import { Progress } from '../crash/progress.ts';
import { canMakeNamespaces, type CutWay, DatabaseNetwork, type Place } from '../helpers/database-network.ts';
import { freePort } from '../helpers/free-port.ts';
import { NodeSite } from '../helpers/node-site.ts';
import { hasPostgres, type RunningPostgres } from '../helpers/postgres.ts';
import { PostgresPair } from '../helpers/postgres-pair.ts';
import { hasSlapd } from '../helpers/slapd.ts';
import { waitUntil } from '../helpers/wait.ts';

const LIMIT_MS = 600_000;
const NAMES = ['hub01', 'hub02', 'edge01'] as const;
const SCHEMAS = ['relaypair_hub', 'relaypair_edge'] as const;
/** No test hands in so many. */
const MANY = 100_000;
/** A cut is noticed after `timeout`, and what hung is refused after two or three more; others take over after `lease`. */
const LEASE_MS = 6000;
const SPOOL = { timeout: '2s', pollInterval: '1s', tls: false };
/** The databases, too, notice at once that the other is gone. */
const DATABASE = {
  listen_addresses: '*',
  wal_sender_timeout: '2s',
  wal_receiver_timeout: '2s',
  wal_retrieve_retry_interval: '200ms',
};

const canRun = hasPostgres() && hasSlapd() && canMakeNamespaces();

describe.skipIf(!canRun)(
  'nodes whose network is cut (needs PostgreSQL, slapd, root and namespaces)',
  { timeout: LIMIT_MS },
  () => {
    let network: DatabaseNetwork;
    let nodes: NodeSite;
    const ledger = new Ledger();
    let mail: NodeMail;
    let test = 0;
    let beganMs = 0;

    beforeAll(async () => {
      network = DatabaseNetwork.make(NAMES);
      const place = async (number: Place) => ({
        host: network.address(number),
        port: await freePort(),
        within: network.within(number),
        settings: DATABASE,
      });
      const places = [await place(0), await place(1)] as const;
      const database = await PostgresPair.start({ places });
      const urlOf = (name: string): string => {
        const hosts = places.map(({ port }, number) => `${network.address(number as Place, name)}:${port}`);
        return `postgres://${database.primary.user}@${hosts.join()}/postgres`;
      };
      nodes = await NodeSite.start({
        hubs: 2,
        edges: 1,
        sink: sinkInto(ledger),
        leaseMs: LEASE_MS,
        database,
        spool: (name) => ({ ...SPOOL, url: urlOf(name) }),
      });
    }, LIMIT_MS);
    beforeEach(() => {
      beganMs = Date.now();
      mail = new NodeMail({ site: nodes.site, ledger, rate: 4, after: MANY * test++ });
    });
    afterEach(() => mail.stop());
    afterAll(async () => {
      await nodes?.[Symbol.asyncDispose]();
      network?.remove();
    }, LIMIT_MS);

    const placeOf = ({ host }: RunningPostgres): Place => (host === network.address(0) ? 0 : 1);
    const countTaken = (name: string): number =>
      mail.sentTo(name).filter(({ isAcknowledged }) => isAcknowledged).length;
    const countRefused = (name: string): number => mail.sentTo(name).filter(({ refusal }) => refusal).length;

    /** Resolves once each of them has taken, or refused, so many more. */
    async function awaitMore(count: number, names: readonly string[] = NAMES, of = countTaken): Promise<void> {
      const enough = names.map((name) => of(name) + count);
      const what = `${of === countTaken ? 'mail to be taken' : 'refusals'} by ${names.join()}`;
      await waitUntil(what, () => names.every((name, index) => of(name) >= (enough[index] ?? 0)), 180_000);
    }

    async function conclude(): Promise<void> {
      await mail.stop();
      const verdict = await concludeNodes({ nodes, ledger, progress: new Progress() }, mail.refusals);
      expect(findFaultsOfNodes(verdict)).toEqual([]);
      expect(Object.keys(verdict.refusals).filter((code) => !code.startsWith('4'))).toEqual([]);
    }

    /** What a node, or all, had not recorded is what may come twice. */
    function enter(kill: Pick<Kill, 'role' | 'node' | 'step' | 'livesOn'>): Kill & { pending: string[] } {
      const entered = {
        ...kill,
        startedMs: beganMs,
        atMs: Date.now(),
        upAgainMs: Number.POSITIVE_INFINITY,
        pending: [],
      };
      ledger.kills.push(entered);
      return entered;
    }

    /** The rows of nodes: another one after a loss. */
    async function listRows(condition = 'true'): Promise<string[]> {
      const rows = SCHEMAS.map((schema) => `SELECT name || ' ' || id AS row FROM ${schema}.node WHERE ${condition}`);
      const found = await nodes.database.primary.query(`${rows.join(' UNION ALL ')} ORDER BY row`);
      return found.rows.map(({ row }: { row: string }) => row);
    }

    /** Of a node; a COMMIT that waits for a standby hears of no end. */
    async function countSessions(client: string, server = nodes.database.primary): Promise<number> {
      const { rows } = await server.query(
        "SELECT FROM pg_stat_activity WHERE client_addr = $1 AND wait_event IS DISTINCT FROM 'SyncRep'",
        [network.clientAddress(placeOf(server), client)],
      );
      return rows.length;
    }

    it.each<CutWay>(['both ways', 'answers'])(
      'a node that is cut off from the database refuses for now, others deliver what it held, and it goes on by itself (%s)',
      async (way) => {
        const { primary } = nodes.database;
        await awaitMore(8);
        network.cut('hub01', way);
        const kill = enter({ role: 'hub', node: 'hub01', step: `a cut (${way})`, livesOn: true });
        const before = mail.sentTo('hub01').filter(({ isAcknowledged }) => isAcknowledged);
        const refused = awaitMore(3, ['hub01'], countRefused);
        await waitUntil('others to take over', async () => {
          // Where its questions still come through, it may get hold of more.
          for (const key of await readPending(primary, 'hub', 'hub01'))
            if (!kill.pending.includes(key)) kill.pending.push(key);
          return !(await listRows()).some((row) => row.startsWith('HUB01'));
        });
        await refused;
        await waitUntil('the database to end its sessions', async () => (await countSessions('hub01')) === 0, 180_000);
        const addresses = new Set(before.map(({ number }) => `n${number}@elsewhere.test`));
        await waitUntil(
          'everything that it had taken to arrive',
          () => !ledger.missing().some((key) => addresses.has(key)),
          180_000,
        );
        const taken = countTaken('hub01');
        await awaitMore(4, ['hub02', 'edge01']);
        expect(countTaken('hub01')).toBe(taken);
        network.mend('hub01');
        await awaitMore(4);
        kill.upAgainMs = Date.now();
        await conclude();
      },
    );

    it('a node that is cut off ends when it is told to, and takes over from itself when it is started again', async () => {
      await awaitMore(2);
      network.cut('hub01');
      const kill = enter({ role: 'hub', node: 'hub01', step: 'a cut', livesOn: true });
      kill.pending.push(...(await readPending(nodes.database.primary, 'hub', 'hub01')));
      await nodes.site.stop('hub01');
      network.mend('hub01');
      await nodes.site.start('hub01');
      kill.upAgainMs = Date.now();
      await awaitMore(2);
      await conclude();
    });

    it('nothing is acknowledged while the primary cannot reach its standby, and nobody loses what it holds', async () => {
      const { primary } = nodes.database;
      await awaitMore(4);
      const rows = await listRows();
      network.cutBetween();
      await awaitMore(1, NAMES, countRefused);
      const taken = NAMES.map(countTaken);
      const { rows: waiting } = await primary.query("SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
      expect(waiting).not.toEqual([]);
      await waitUntil(
        'every lease to run out',
        async () => (await listRows("beat_at + lease_ms * interval '1 ms' > now()")).length === 0,
      );
      await awaitMore(2, NAMES, countRefused);
      expect(NAMES.map(countTaken)).toEqual(taken);
      network.mendBetween();
      await awaitMore(4);
      expect(await listRows()).toEqual(rows);
      await conclude();
    });

    it.each([
      ['and from all nodes', true],
      ['while nodes reach both', false],
    ])(
      'the primary is cut off from its standby %s, the standby becomes the primary: nodes find it, and never go back',
      async (_who, isCutFromNodes) => {
        const { database } = nodes;
        if (database.isAlone) await database.replaceStandby();
        await awaitMore(4);
        const place = placeOf(database.primary);
        network.cutBetween();
        if (isCutFromNodes) for (const name of NAMES) network.cut(name, 'both ways', [place]);
        await awaitMore(1, NAMES, countRefused);
        const taken = NAMES.map(countTaken);
        const kills = (['hub', 'edge'] as const).map((role) => enter({ role, node: 'primary', step: 'a cut' }));
        for (const kill of kills) kill.pending.push(...(await readPending(database.standby, kill.role)));
        expect(NAMES.map(countTaken)).toEqual(taken);
        await database.promote();
        await awaitMore(4);
        for (const kill of kills) kill.upAgainMs = Date.now();
        network.mendBetween();
        for (const name of NAMES) network.mend(name);
        await awaitMore(4);
        await waitUntil('the last session at the former primary to end', async () => {
          const sessions = await Promise.all(NAMES.map((name) => countSessions(name, database.former)));
          return sessions.every((count) => count === 0);
        });
        await conclude();
      },
    );
  },
);
