// The deliveries that wait for one hop. Those that have waited for a retry are kept apart from fresh ones: a connection in
// clear after a cut handshake may carry the former and not the latter. What is due when, is all it knows.

import { DueHeap } from './due-heap.ts';
import type { Delivery } from './delivery.ts';

export class WaitingList {
  readonly #fresh = new DueHeap<Delivery>();
  readonly #waited = new DueHeap<Delivery>();

  get length(): number {
    return this.#fresh.size + this.#waited.size;
  }

  push(...deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) this.#heapOf(delivery).push(delivery);
  }

  /** Takes out the one that is due first, if one is due; `onlyWaited` leaves fresh ones to another connection. */
  take(nowMs: number, onlyWaited: boolean): Delivery | undefined {
    const heap = onlyWaited ? this.#waited : this.#earlier();
    const first = heap.peek();
    return first && first.dueMs <= nowMs ? heap.pop() : undefined;
  }

  /** When the first one is due; undefined when there is none. */
  nextDueMs(): number | undefined {
    return this.#earlier().peek()?.dueMs;
  }

  /** Everything is due by `dueMs`. */
  bringForward(dueMs: number): void {
    for (const heap of [this.#fresh, this.#waited]) {
      const inOrder = heap.toSorted();
      for (const delivery of inOrder) delivery.dueMs = Math.min(delivery.dueMs, dueMs);
      heap.replaceAll(inOrder);
    }
  }

  /** An attempt at the hop has failed while they stood here. */
  markWaited(): void {
    for (const delivery of this.#fresh.toSorted()) {
      delivery.hasWaited = true;
      this.#waited.push(delivery);
    }
    this.#fresh.replaceAll([]);
  }

  /** Takes out all that `isMeant` names. */
  remove(isMeant: (delivery: Delivery) => boolean): Delivery[] {
    return [this.#waited, this.#fresh].flatMap((heap) => {
      const removed = new Set([...heap.values()].filter(isMeant));
      if (removed.size > 0) heap.replaceAll(heap.toSorted().filter((delivery) => !removed.has(delivery)));
      return [...removed];
    });
  }

  /** In the order of their times. */
  map<T>(read: (delivery: Delivery) => T): T[] {
    return [...this.#waited.toSorted(), ...this.#fresh.toSorted()].toSorted((a, b) => a.dueMs - b.dueMs).map(read);
  }

  /** In no order. */
  *[Symbol.iterator](): Generator<Delivery> {
    yield* this.#waited.values();
    yield* this.#fresh.values();
  }

  #heapOf(delivery: Delivery): DueHeap<Delivery> {
    return delivery.hasWaited ? this.#waited : this.#fresh;
  }

  /** On a tie those that have waited come first. */
  #earlier(): DueHeap<Delivery> {
    const freshMs = this.#fresh.peek()?.dueMs ?? Number.POSITIVE_INFINITY;
    const waitedMs = this.#waited.peek()?.dueMs ?? Number.POSITIVE_INFINITY;
    return freshMs < waitedMs ? this.#fresh : this.#waited;
  }
}
