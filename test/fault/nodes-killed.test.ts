// Fault: a short run of the harness over nodes (npm run test:crash -- --nodes has the long one): Hubs and Edges that share their
// spools on PostgreSQL are killed at random moments, and so is the primary of the database. Nothing is lost, altered or doubled
// outside the window.

import { expect, it } from 'vitest';
import { Ledger } from '../crash/ledger.ts';
import { sinkInto } from '../crash/node-mail.ts';
import { findFaultsOfNodes, runNodes } from '../crash/node-run.ts';
import { Progress } from '../crash/progress.ts';
import { NodeSite } from '../helpers/node-site.ts';
import { hasPostgres } from '../helpers/postgres.ts';
import { hasSlapd } from '../helpers/slapd.ts';

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
