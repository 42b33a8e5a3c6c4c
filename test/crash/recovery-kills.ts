// SIGKILL at the numbered steps of a start: the same wreck, with mail that waits, leftovers of a crash and a foreign file in
// it, is recovered again and again and never to the end. After each attempt the spool must hold all it held before.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, type Role } from '../helpers/servers.ts';
import { killingOptions } from '../helpers/strace.ts';
import type { Chance } from './chance.ts';
import { type CrashPair, LARGE_BYTES, SMALL_BYTES, WAYS } from './crash-pair.ts';
import type { Progress } from './progress.ts';
import { findFatalCall, listSteps, type Step, STEP_CALLS } from './steps.ts';
import { untilClosed } from './trace-end.ts';

export interface RecoveryOptions {
  readonly pair: CrashPair;
  readonly role: Role;
  /** At most so many of the steps, spread over the start. */
  readonly kills: number;
  readonly chance: Chance;
  readonly progress: Progress;
}

/** False: something stays out in the end. */
export async function killInRecovery({ pair, role, kills, chance, progress }: RecoveryOptions): Promise<boolean> {
  await fillQueue(pair, role);
  await pair.kill(role, 'mail waiting');
  progress.count(`${role} with mail waiting`);
  const held = (pair.ledger.kills.at(-1)?.pending ?? []).toSorted().join();
  for (const step of chance.spread(await countStartSteps(pair, role), kills)) {
    plantWreckage(pair.dataFolder(role));
    const fatal = await startToDie(pair, role, step);
    const { pending } = await pair.noteDeath(role, `the start, ${fatal}`);
    progress.count(`${role} starting, at ${fatal}`);
    if (pending.toSorted().join() !== held)
      pair.ledger.strange.push(`${role}: recovery killed at ${fatal} changed what waits`);
  }
  pair.isHeldBack = false;
  await pair.start(role);
  return pair.settle();
}

/** Letters that the sinks do not take for now, so that they wait on this server. */
async function fillQueue(pair: CrashPair, role: Role): Promise<void> {
  pair.isHeldBack = true;
  const way = WAYS.find((one) => one.role !== role);
  if (!way) return;
  const letters = [];
  for (const size of [SMALL_BYTES, LARGE_BYTES, SMALL_BYTES, LARGE_BYTES]) {
    letters.push(await pair.sendLetter(way, size, ['now', 'later', 'never']));
  }
  await eventually('letters that were deferred once', async () => {
    const messages = await pair.servers.ask(role, 'Get-Queue');
    const waiting = messages.reduce((sum, queue) => sum + Number(queue['MessageCount']), 0);
    return waiting === letters.length ? true : undefined;
  });
}

/** What a crash and a stranger may have left among the bodies. */
function plantWreckage(dataFolder: string): void {
  const bodies = join(dataFolder, 'spool', 'bodies');
  for (const name of [`${'0'.repeat(32)}.part`, `${'1'.repeat(32)}.body`, 'a-foreign-file']) {
    writeFileSync(join(bodies, name), 'left over');
  }
}

async function countStartSteps(pair: CrashPair, role: Role): Promise<Step[]> {
  plantWreckage(pair.dataFolder(role));
  const log = join(pair.servers.folder, `${role}-start.log`);
  // -D: the server is our child and strace is not.
  await pair.start(role, ['strace', '-D', '-f', '-y', '-e', `trace=${STEP_CALLS}`, '-o', log]);
  const steps = listSteps(log, pair.servers.pid(role));
  await pair.kill(role, 'ready again');
  await untilClosed(log);
  return steps;
}

/** Starts it so that it dies at this step; resolves with the call before which it died. */
async function startToDie(pair: CrashPair, role: Role, step: Step): Promise<string> {
  const log = join(pair.servers.folder, `${role}-start.log`);
  const threads = step.thread === 'main' ? [] : ['-f'];
  try {
    await pair.start(role, ['strace', '-D', ...threads, ...killingOptions(step, log)]);
  } catch {
    // As it should be: killed before it was ready.
  }
  await pair.servers.stop(role, 'SIGKILL');
  await untilClosed(log);
  return findFatalCall(log) ?? 'its end';
}
