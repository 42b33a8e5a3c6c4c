// A run of the harness over one pair: which faults, how many, in which order; and what is to be said of it afterwards.

import type { Role } from '../helpers/servers.ts';
import type { Chance } from './chance.ts';
import { CrashPair, ROLES } from './crash-pair.ts';
import { failSyncs, syncsAmong } from './failing-syncs.ts';
import type { Verdict } from './ledger.ts';
import type { Progress } from './progress.ts';
import { killAtRandom } from './random-kills.ts';
import { killInRecovery } from './recovery-kills.ts';
import { countSteps, killAtSteps } from './step-kills.ts';
import type { Step } from './steps.ts';

/** At most so many faults of each kind on each server; what is absent is done at every step. */
export interface RunPlan {
  readonly steps?: number;
  readonly recovery?: number;
  readonly syncs?: number;
  /** Both servers together. */
  readonly random: number;
  readonly chance: Chance;
  readonly progress: Progress;
}

/** Runs them all and judges; ends early when something stays out, which the verdict then has as lost. */
export async function runFaults(plan: RunPlan): Promise<Verdict> {
  const { chance, progress } = plan;
  await using pair = await CrashPair.start();
  await pair.restartBoth();
  const isWhole =
    (await killServers(pair, plan)) && (await killAtRandom({ pair, kills: plan.random, chance, progress }));
  if (!isWhole) progress.say(`nothing comes any more: ${pair.ledger.missing().join()} did not arrive`);
  return pair.judge();
}

async function killServers(pair: CrashPair, plan: RunPlan): Promise<boolean> {
  const steps: Record<Role, Step[]> = { hub: [], edge: [] };
  for (const role of ROLES) {
    steps[role] = await countSteps(pair, role);
    plan.progress.say(`${role}: ${steps[role].length} numbered steps in a round of letters`);
  }
  for (const role of ROLES) {
    if (!(await strike(pair, role, steps[role], plan))) return false;
  }
  return true;
}

async function strike(pair: CrashPair, role: Role, steps: readonly Step[], plan: RunPlan): Promise<boolean> {
  const { chance, progress } = plan;
  const syncs = chance.spread(syncsAmong(steps), plan.syncs ?? Number.POSITIVE_INFINITY);
  const kills = plan.recovery ?? Number.POSITIVE_INFINITY;
  return (
    (await failSyncs(pair, role, syncs, progress)) &&
    (await killAtSteps(pair, role, chance.spread(steps, plan.steps ?? Number.POSITIVE_INFINITY), progress)) &&
    killInRecovery({ pair, role, kills, chance, progress })
  );
}

/** Whatever must not be; empty when all is well. */
export function findFaultsOf(verdict: Verdict): string[] {
  const { lost, strange, duplicates } = verdict;
  const outside = duplicates.filter(({ isAllowed }) => !isAllowed);
  return [
    ...lost.map((key) => `lost: ${key}`),
    ...strange,
    ...outside.map(
      ({ key, copies, because }) => `doubled outside the window: ${key}, ${copies} copies, ${because.join('; ')}`,
    ),
  ];
}
