// Takes messages out of the queues for other servers of the same spool, without tearing one from whoever is at work on it.

import type { HopQueue } from './hop-queue.ts';

/** Takes every message out of its queues that nobody is working on in any of them; returns the ids. */
export function withdrawIdle(queues: readonly HopQueue[]): readonly number[] {
  const busy = new Set(queues.flatMap(({ active }) => Array.from(active, ({ id }) => id)));
  const withdrawn = new Set<number>();
  for (const { waiting, held } of queues) {
    for (const ticket of [...waiting, ...held]) {
      if (busy.has(ticket.id)) continue;
      withdrawn.add(ticket.id);
      if (!held.delete(ticket)) waiting.remove(ticket);
    }
  }
  return [...withdrawn];
}
