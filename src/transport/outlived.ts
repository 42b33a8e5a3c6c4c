// Deliveries that have outlived the claim on their message: a server that was held for dead goes on with what it had begun, and may
// claim the same message again meanwhile. What is still under way is not begun a second time; its own end says how it goes on.

import type { MessageHead } from '../spool/spool.ts';
import type { Ticket } from './delivery.ts';
import type { HopQueue } from './hop-queue.ts';

export class OutlivedDeliveries {
  readonly #tickets = new Map<Ticket, HopQueue>();

  /** Notes what is under way of these messages, which are no longer ours. */
  note(ids: ReadonlySet<number>, queues: Iterable<HopQueue>): void {
    for (const queue of queues)
      for (const ticket of queue.active) if (ids.has(ticket.id)) this.#tickets.set(ticket, queue);
  }

  /** The pending recipients of a message that was claimed, without those to whom it is still being delivered. */
  indexesOf({ id, recipients }: MessageHead): readonly number[] {
    const pending = recipients.flatMap(({ status }, index) => (status === 'pending' ? [index] : []));
    if (this.#tickets.size === 0) return pending;
    const busy = new Set<number>();
    for (const [ticket, queue] of this.#tickets) {
      if (!queue.active.has(ticket)) this.#tickets.delete(ticket);
      else if (ticket.id === id) for (const index of ticket.indexes) busy.add(index);
    }
    return pending.filter((index) => !busy.has(index));
  }
}
