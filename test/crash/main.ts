// npm run test:crash: kills Hub and Edge at every numbered step and at random moments, lets syncs fail, cuts the power, and
// says what was lost and what was doubled. Exit code 1 when anything was lost, altered or doubled outside the window.

import { parseArgs } from 'node:util';
import { CAN_STRACE } from '../helpers/strace.ts';
import { Chance } from './chance.ts';
import type { Verdict } from './ledger.ts';
import { killNodes } from './node-main.ts';
import { cutPower, type NumberedSync, type PowerCutReport } from './power-cut.ts';
import { Progress } from './progress.ts';
import { findFaultsOf, type RunPlan, runFaults } from './run.ts';
import { formatTable } from './table.ts';

/** Shares of a shorter run: for each server, and random ones. */
const SHARES = { steps: 0.3, recovery: 0.06, syncs: 0.03, random: 0.16, cuts: 0.5 };
/** Syncs that fail while a record for power cuts is made; the first record has none. */
const FAILING: readonly (NumberedSync | undefined)[] = [
  undefined,
  { call: 'fdatasync', nth: 1 },
  { call: 'fdatasync', nth: 3 },
  { call: 'fdatasync', nth: 9 },
  { call: 'fsync', nth: 1 },
  { call: 'fsync', nth: 5 },
  { call: 'fsync', nth: 12 },
];
const RANDOM_KILLS = 60;
const NODE_KILLS = 300;
const PRIMARY_KILLS = 20;
const NO_KILLS: Verdict = {
  kills: 0,
  letters: 0,
  acknowledged: 0,
  refused: 0,
  delivered: 0,
  lost: [],
  strange: [],
  duplicates: [],
};
const NO_CUTS: PowerCutReport = { cuts: 0, acknowledged: 0, faults: [] };

const USAGE = `npm run test:crash -- [--seed N] [--kills N] [--only kills|cuts] [--json]
npm run test:crash -- --nodes [--seed N] [--kills N] [--primary N] [--json]
  --seed N    repeats the choices of an earlier run; printed at the start
  --kills N   about so many faults, spread over all steps; without it every step, and ${RANDOM_KILLS} random kills
  --only WHAT kills and failing syncs of the pair, or power cuts of the spool, alone
  --nodes     three Hubs and two Edges on one PostgreSQL instead: ${NODE_KILLS} kills of nodes and ${PRIMARY_KILLS} of the primary,
              unless --kills and --primary say otherwise; SIGTERM ends it early, with the result so far
  --json      the result as JSON on stdout; progress goes to stderr in any case`;

function share(kills: number | undefined, part: number): number | undefined {
  return kills === undefined ? undefined : Math.max(1, Math.round(kills * part));
}

function plan(kills: number | undefined): Omit<RunPlan, 'chance' | 'progress'> {
  const [steps, recovery, syncs] = [SHARES.steps, SHARES.recovery, SHARES.syncs].map((part) => share(kills, part));
  return {
    ...(steps !== undefined && { steps }),
    ...(recovery !== undefined && { recovery }),
    ...(syncs !== undefined && { syncs }),
    random: share(kills, SHARES.random) ?? RANDOM_KILLS,
  };
}

/** A record for each of FAILING, cut at every line or at a share of them. */
async function cutPowerOften(kills: number | undefined, chance: Chance, progress: Progress): Promise<PowerCutReport> {
  const cuts = share(kills, SHARES.cuts);
  const reports: PowerCutReport[] = [];
  for (const failing of FAILING) {
    const report = await cutPower({
      chance,
      ...(cuts !== undefined && { cuts }),
      ...(failing && { failing }),
    });
    const which = failing ? `${failing.call} ${failing.nth} failing` : 'no sync failing';
    progress.say(`${report.cuts} power cuts, ${which}: ${report.faults.length} faults`);
    reports.push(report);
  }
  return {
    cuts: reports.reduce((sum, { cuts: number }) => sum + number, 0),
    acknowledged: reports.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
    faults: reports.flatMap(({ faults }) => faults),
  };
}

function count(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`--${name} must be a whole number from 1, it is ${text}`);
  return Number(text);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      kills: { type: 'string' },
      primary: { type: 'string' },
      nodes: { type: 'boolean' },
      only: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const seed = count(values.seed, 'seed') ?? 1 + (Date.now() % 1_000_000);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  say(`seed ${seed}`);
  const kills = count(values.kills, 'kills');
  if (values.nodes === true) {
    const primaryKills = count(values.primary, 'primary') ?? PRIMARY_KILLS;
    return killNodes({ seed, nodeKills: kills ?? NODE_KILLS, primaryKills, isJson: values.json === true });
  }
  if (!CAN_STRACE) throw new Error('strace is needed, and must be allowed to trace: install the package strace');
  const progress = new Progress(say);
  const startedMs = performance.now();
  const chance = new Chance(seed);
  const { only } = values;
  if (only !== undefined && only !== 'kills' && only !== 'cuts')
    throw new Error(`--only takes kills or cuts, not ${only}`);
  const powerCuts = only === 'kills' ? NO_CUTS : await cutPowerOften(kills, chance, progress);
  const verdict = only === 'cuts' ? NO_KILLS : await runFaults({ ...plan(kills), chance, progress });
  const minutes = (performance.now() - startedMs) / 60_000;
  const faults = [...powerCuts.faults, ...findFaultsOf(verdict)];
  const result = { seed, minutes, faults, counts: Object.fromEntries(progress.counts), powerCuts, verdict };
  console.log(values.json === true ? JSON.stringify(result, undefined, 1) : formatTable(result));
  return faults.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`test:crash: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
