// Fault: a short run of the harness over nodes (npm run test:crash -- --nodes has the long one): Hubs and Edges that share their
// spools on PostgreSQL are killed at random moments, and so is the primary of the database. Nothing is lost, altered or doubled
// outside the window. And one death by itself, the one whose trace is seen last: while the COMMIT hangs that stores a message.

import { Client } from 'pg';
import { expect, it } from 'vitest';
import { Ledger } from '../crash/ledger.ts';
import { killNode } from '../crash/node-kills.ts';
import { sinkInto } from '../crash/node-mail.ts';
import { concludeNodes, findFaultsOfNodes, runNodes } from '../crash/node-run.ts';
import { Progress } from '../crash/progress.ts';
import { composeLetter, sha256 } from '../helpers/mail-flow.ts';
import { NodeSite } from '../helpers/node-site.ts';
import { hasPostgres } from '../helpers/postgres.ts';
import { INSIDER } from '../helpers/relaying.ts';
import { hasSlapd } from '../helpers/slapd.ts';
import { submit } from '../helpers/submit.ts';
import { waitUntil } from '../helpers/wait.ts';

const [NODE_KILLS, PRIMARY_KILLS] = [6, 1];

it.skipIf(!hasPostgres() || !hasSlapd())(
  'nodes that are killed under mail, and the primary of their database with them, lose and alter nothing (needs PostgreSQL and slapd)',
  { timeout: 600_000 },
  async () => {
    const seed = 1 + (Date.now() % 1_000_000);
    const ledger = new Ledger();
    await using nodes = await NodeSite.start({ hubs: 2, edges: 2, sink: sinkInto(ledger), leaseMs: 5000 });
    const kills = { nodeKills: NODE_KILLS, primaryKills: PRIMARY_KILLS };
    const verdict = await runNodes({ nodes, ledger, ...kills, rate: 3, seed, progress: new Progress() });
    expect(findFaultsOfNodes(verdict), `seed ${seed}`).toEqual([]);
    expect(verdict.nodeKills).toBeGreaterThanOrEqual(NODE_KILLS);
    expect(verdict.primaryKills).toBeGreaterThanOrEqual(PRIMARY_KILLS);
    expect(verdict.acknowledged).toBeGreaterThan(verdict.nodeKills);
  },
);

it.skipIf(!hasPostgres() || !hasSlapd())(
  'a message that a dead node still stores comes twice, and that is inside the window (needs PostgreSQL and slapd)',
  { timeout: 600_000 },
  async () => {
    const ledger = new Ledger();
    const progress = new Progress();
    await using nodes = await NodeSite.start({ hubs: 1, edges: 1, sink: sinkInto(ledger), leaseMs: 5000 });
    const { primary } = nodes.database;
    const count = async (sql: string): Promise<number> => (await primary.query(sql)).rows.length;
    const holder = new Client({ connectionString: primary.url() });
    await holder.connect();
    // Whoever would store waits, whoever looks does not: as where the synchronous standby has not come back yet.
    await holder.query('BEGIN; LOCK TABLE relaypair_edge.message IN SHARE MODE');
    await handIn('flow-1@elsewhere.test', ledger, nodes.site.member('hub01').smtpPort);
    const storing = `SELECT FROM pg_stat_activity
      WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO relaypair_edge.message%'`;
    await waitUntil('the Edge to store it', async () => (await count(storing)) > 0);

    const kill = await killNode('edge01', { step: 'a COMMIT that hangs', startedMs: 0 }, { nodes, ledger, progress });
    expect(kill.pending).toEqual([]);
    await holder.query('ROLLBACK');
    await holder.end();
    await waitUntil('the database to have stored it', async () => {
      return (await count('SELECT FROM relaypair_edge.message')) > 0;
    });
    await nodes.site.start('edge01');
    kill.upAgainMs = Date.now();

    const verdict = await concludeNodes({ nodes, ledger, progress }, []);
    const because = ['edge01 killed at a COMMIT that hangs: had taken it and its peer had not recorded that'];
    expect(verdict.duplicates).toEqual([{ key: 'n1@elsewhere.test', copies: 2, because, isAllowed: true }]);
    expect(findFaultsOfNodes(verdict)).toEqual([]);
  },
);

async function handIn(id: string, ledger: Ledger, port: number): Promise<void> {
  const content = composeLetter(id, 1500);
  const to = 'n1@elsewhere.test';
  const facts = { sizeBytes: content.length, sha256: sha256(content), startedAtMs: Date.now() };
  ledger.add({ id, recipients: [to], ...facts, answer: 'taken' });
  expect((await submit({ port, from: INSIDER, to: [to], content })).reply).toMatch(/^250 /);
}
