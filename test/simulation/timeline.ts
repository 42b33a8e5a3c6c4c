// Time that passes only from event to event, in milliseconds: what happens next is the earliest of what was planned.

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly act: () => void;
}

export class Timeline {
  readonly #heap: Planned[] = [];
  #nowMs = 0;
  #planned = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Plans something for later; what is planned for one moment happens in the order of the planning. */
  after(delayMs: number, act: () => void): void {
    this.#heap.push({ atMs: this.#nowMs + delayMs, order: this.#planned, act });
    this.#planned += 1;
    this.#rise(this.#heap.length - 1);
  }

  /** Lets time pass up to then, or until `isOver`. */
  run(untilMs: number, isOver: () => boolean = () => false): void {
    for (;;) {
      const [next] = this.#heap;
      if (!next || next.atMs > untilMs || isOver()) return;
      const last = this.#heap.pop() as Planned;
      if (this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#sink();
      }
      this.#nowMs = next.atMs;
      next.act();
    }
  }

  #rise(from: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isEarlier(place, parent)) return;
      this.#swap(place, parent);
      place = parent;
    }
  }

  #sink(): void {
    let place = 0;
    for (;;) {
      let first = place;
      for (const child of [2 * place + 1, 2 * place + 2]) {
        if (child < this.#heap.length && this.#isEarlier(child, first)) first = child;
      }
      if (first === place) return;
      this.#swap(place, first);
      place = first;
    }
  }

  #isEarlier(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one] as Planned, this.#heap[other] as Planned];
    return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  }

  #swap(one: number, other: number): void {
    const kept = this.#heap[one] as Planned;
    this.#heap[one] = this.#heap[other] as Planned;
    this.#heap[other] = kept;
  }
}
