// Takes messages out of the queues for other servers of the same spool, without tearing one from whoever is at work on it.

import type { HopQueue } from './hop-queue.ts';

/**
 * Takes every message out of its queues that nobody is working on in any of them; returns the ids. `isQuiet`: nothing at all is
 * under way, and what stands as active was left so by somebody who stopped.
 */
export function withdrawIdle(queues: readonly HopQueue[], isQuiet: boolean): readonly number[] {
  const busy = new Set(isQuiet ? [] : queues.flatMap(({ active }) => Array.from(active, ({ id }) => id)));
  const withdrawn = new Set<number>();
  for (const queue of queues) {
    for (const ticket of [...queue.tickets()]) {
      if (busy.has(ticket.id)) continue;
      withdrawn.add(ticket.id);
      if (!queue.active.delete(ticket) && !queue.held.delete(ticket)) queue.waiting.remove(ticket);
    }
  }
  return [...withdrawn];
}
