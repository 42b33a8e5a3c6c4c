// The tickets of those that wait for one hop. Those that have waited for a retry are kept apart from fresh ones: a connection
// in clear after a cut handshake may carry the former and not the latter. What is due when, is all it knows.

import { DueHeap } from './due-heap.ts';
import type { Ticket } from './delivery.ts';

export class WaitingList {
  #fresh = new DueHeap<Ticket>();
  #waited = new DueHeap<Ticket>();
  #count = 0;

  get length(): number {
    return this.#fresh.size + this.#waited.size;
  }

  /** Takes a ticket in, behind all that are due with it. */
  push(ticket: Ticket): void {
    ticket.order = this.#count++;
    (ticket.hasWaited ? this.#waited : this.#fresh).push(ticket);
  }

  /** Takes out the one that is due first, if one is due; `onlyWaited` leaves fresh ones to another connection. */
  take(nowMs: number, onlyWaited: boolean): Ticket | undefined {
    const heap = onlyWaited ? this.#waited : this.#earlier();
    const first = heap.peek();
    return first && first.dueMs <= nowMs ? heap.pop() : undefined;
  }

  /** When the first one is due; undefined when there is none. */
  nextDueMs(): number | undefined {
    return this.#earlier().peek()?.dueMs;
  }

  /** Everything is due by `dueMs`, who came first before the others. */
  bringForward(dueMs: number): void {
    this.#fresh.bringForward(dueMs);
    this.#waited.bringForward(dueMs);
  }

  /** An attempt at the hop has failed while they stood here. */
  markWaited(): void {
    if (this.#fresh.size === 0) return;
    for (const ticket of this.#fresh.values()) ticket.hasWaited = true;
    const [large, small] =
      this.#fresh.size > this.#waited.size ? [this.#fresh, this.#waited] : [this.#waited, this.#fresh];
    for (const ticket of small.values()) large.push(ticket);
    this.#waited = large;
    this.#fresh = new DueHeap();
  }

  has(ticket: Ticket): boolean {
    return this.#waited.has(ticket) || this.#fresh.has(ticket);
  }

  /** Takes one out; false when it is not here. */
  remove(ticket: Ticket): boolean {
    return this.#waited.remove(ticket) || this.#fresh.remove(ticket);
  }

  /** In the order of their times. */
  toSorted(): Ticket[] {
    return [...this.#waited.toSorted(), ...this.#fresh.toSorted()].toSorted((a, b) => a.dueMs - b.dueMs);
  }

  /** In no order. */
  *[Symbol.iterator](): Generator<Ticket> {
    yield* this.#waited.values();
    yield* this.#fresh.values();
  }

  /** On a tie those that have waited come first. */
  #earlier(): DueHeap<Ticket> {
    const freshMs = this.#fresh.peek()?.dueMs ?? Number.POSITIVE_INFINITY;
    const waitedMs = this.#waited.peek()?.dueMs ?? Number.POSITIVE_INFINITY;
    return freshMs < waitedMs ? this.#fresh : this.#waited;
  }
}
