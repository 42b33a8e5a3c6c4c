// npm run test:crash -- --nodes: kills the nodes of a site and the primary of their database, and says what was lost and what
// was doubled. A run that is told to end (SIGTERM) kills nobody any more and says what it has seen.

import { hasPostgres } from '../helpers/postgres.ts';
import { NodeSite } from '../helpers/node-site.ts';
import { hasSlapd } from '../helpers/slapd.ts';
import { Ledger } from './ledger.ts';
import { sinkInto } from './node-mail.ts';
import { findFaultsOfNodes, type NodeVerdict, runNodes } from './node-run.ts';
import { Progress } from './progress.ts';

export interface NodesOptions {
  readonly seed: number;
  readonly nodeKills: number;
  readonly primaryKills: number;
  readonly isJson: boolean;
}

const HUBS = 3;
const EDGES = 2;
const RATE = 3;

/** Prints the result; the exit code. */
export async function killNodes({ seed, nodeKills, primaryKills, isJson }: NodesOptions): Promise<number> {
  if (!hasPostgres() || !hasSlapd()) throw new Error('PostgreSQL and slapd are needed: install postgresql and slapd');
  const startedMs = performance.now();
  const minutes = (): string => ((performance.now() - startedMs) / 60_000).toFixed(1);
  const progress = new Progress((line) => void process.stderr.write(`${minutes()} min: ${line}\n`));
  const stopping = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort());
  const ledger = new Ledger();
  await using nodes = await NodeSite.start({ hubs: HUBS, edges: EDGES, sink: sinkInto(ledger) });
  progress.say(`${HUBS} Hubs and ${EDGES} Edges are up in ${nodes.site.folder}`);
  const run = { nodes, ledger, nodeKills, primaryKills, rate: RATE, seed, progress, stop: stopping.signal };
  const verdict = await runNodes(run);
  const faults = findFaultsOfNodes(verdict);
  const result = { seed, minutes: minutes(), faults, counts: Object.fromEntries(progress.counts), verdict };
  console.log(isJson ? JSON.stringify(result, undefined, 1) : formatNodes(verdict, progress.counts, faults));
  console.log(`seed ${seed}, ${minutes()} minutes`);
  return faults.length === 0 ? 0 : 1;
}

function formatNodes(verdict: NodeVerdict, counts: ReadonlyMap<string, number>, faults: readonly string[]): string {
  const allowed = verdict.duplicates.filter(({ isAllowed }) => isAllowed);
  const causes = new Map<string, number>();
  for (const { because } of allowed) {
    const cause = (because[0] ?? '').replace(/^(hub|edge)\d+/, '$1');
    causes.set(cause, (causes.get(cause) ?? 0) + 1);
  }
  const rows: [string, number][] = [
    ...[...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ['kills of nodes', verdict.nodeKills],
    ['kills of the primary', verdict.primaryKills],
    ['letters', verdict.letters],
    ['acknowledged', verdict.acknowledged],
    ...Object.entries(verdict.refusals).map(([code, number]): [string, number] => [`answered ${code}`, number]),
    ['delivered, reports included', verdict.delivered],
    ['doubled inside the window', allowed.length],
    ...[...causes].map(([cause, number]): [string, number] => [`  ${cause}`, number]),
    ['doubled outside the window', verdict.duplicates.length - allowed.length],
    ['altered, half or uninvited', verdict.strange.length],
    ['lost', verdict.lost.length],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, number]) => `${name.padEnd(width)}  ${String(number).padStart(7)}`);
  return [...lines, ...faults.map((fault) => `FAULT ${fault}`)].join('\n');
}
