// Waits for the machine to calm down: what a case leaves behind (a pair that tidies up, a disk that writes) is not to be measured with
// the next one.

import { cpus } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Of all processors together, over so long. */
const CALM_SHARE = 0.12;
const LOOK_MS = 300;
/** Longest wait: other work on the machine may never end. */
const LIMIT_MS = 8000;

/** Resolves when hardly anything runs, or after eight seconds. */
export async function calm(): Promise<void> {
  for (const endMs = performance.now() + LIMIT_MS; performance.now() < endMs; ) {
    const [before, startedMs] = [busyMs(), performance.now()];
    await delay(LOOK_MS);
    if (busyMs() - before < CALM_SHARE * cpus().length * (performance.now() - startedMs)) return;
  }
}

/** Time that all processors have spent on anything but waiting. */
function busyMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}
