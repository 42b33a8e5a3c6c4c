// The end of a rush: a round of the event loop in which nothing came in. While one round after the other brings something, who can
// share with others waits for them; when there is nothing more, nobody is held up, since the round that shows it takes microseconds.

import { performance } from 'node:perf_hooks';
import { setImmediate as nextRound } from 'node:timers/promises';

/** How many events the event loop has met since the process began (libuv's count): octets, connections, answers of threads. */
function countEvents(): number {
  return performance.nodeTiming.uvMetricsInfo.events;
}

/** Resolves after the first round of the event loop without an event, or with `isEnough` after one that had some. */
export async function waitForLull(isEnough: () => boolean, events: () => number = countEvents): Promise<void> {
  while (!isEnough()) {
    const before = events();
    await nextRound();
    if (events() === before) return;
  }
}
