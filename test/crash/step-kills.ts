// SIGKILL at the numbered steps of receiving, spooling, delivering and settling: a round of letters is traced once to count
// the steps, then a round for each of them has its server killed there, and a plain start must bring everything to an end.

import { join } from 'node:path';
import type { Role } from '../helpers/servers.ts';
import { killAtCall, traceCalls } from '../helpers/strace.ts';
import type { CrashPair } from './crash-pair.ts';
import type { Progress } from './progress.ts';
import { findFatalCall, listSteps, type Step, STEP_CALLS, threadOf } from './steps.ts';

/** Counts the steps of one round, both servers being started afresh. */
export async function countSteps(pair: CrashPair, role: Role): Promise<Step[]> {
  const log = join(pair.servers.folder, `${role}-steps.log`);
  const pid = pair.servers.pid(role);
  const detach = await traceCalls(pid, STEP_CALLS, log);
  await pair.sendRound();
  await pair.settle();
  await detach();
  return listSteps(log, pid);
}

/** Kills the server at each of the given steps, a round of letters for each. False: something stays out. */
export async function killAtSteps(
  pair: CrashPair,
  role: Role,
  steps: readonly Step[],
  progress: Progress,
): Promise<boolean> {
  for (const step of steps) {
    const log = join(pair.servers.folder, 'kill.log');
    const attached = await killAtCall(threadOf(pair.servers.pid(role), step), step, log);
    const round = pair.sendRound().then(() => pair.settle());
    // Where this round had fewer steps than the counted one, the kill comes after its end.
    await Promise.race([attached.ended, round]);
    await pair.servers.stop(role, 'SIGKILL');
    await attached.ended;
    const fatal = findFatalCall(log) ?? 'the end of the round';
    await pair.noteDeath(role, fatal);
    progress.count(`${role} at ${fatal}`);
    await pair.start(role);
    await round;
    if (!(await pair.settle())) return false;
  }
  return true;
}
