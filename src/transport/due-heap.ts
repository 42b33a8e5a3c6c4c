// A binary heap of things that are due at a time: the earliest first, and of those due together the one that came first.
// A hundred thousand waiting messages cost a handful of comparisons each, whatever becomes of the others.

export interface Due {
  /** Clock time (elapsed). Not to be changed while the thing is in a heap: `replaceAll` takes in what was changed. */
  dueMs: number;
}

interface Entry<T> {
  readonly item: T;
  readonly order: number;
}

export class DueHeap<T extends Due> {
  #entries: Entry<T>[] = [];
  #count = 0;

  get size(): number {
    return this.#entries.length;
  }

  /** The earliest, left where it is. */
  peek(): T | undefined {
    return this.#entries[0]?.item;
  }

  push(item: T): void {
    this.#entries.push({ item, order: this.#count++ });
    this.#rise(this.#entries.length - 1);
  }

  /** The earliest, taken out. */
  pop(): T | undefined {
    const [first] = this.#entries;
    const last = this.#entries.pop();
    if (last && this.#entries.length > 0) {
      this.#entries[0] = last;
      this.#sink();
    }
    return first?.item;
  }

  /** All of them, the earliest first. */
  toSorted(): T[] {
    return this.#entries.toSorted((a, b) => (isBefore(a, b) ? -1 : 1)).map(({ item }) => item);
  }

  /** All of them in no order: cheaper. */
  *values(): Generator<T> {
    for (const { item } of this.#entries) yield item;
  }

  /** Holds these from now on and nothing else. */
  replaceAll(items: Iterable<T>): void {
    this.#entries = [];
    for (const item of items) this.push(item);
  }

  #rise(from: number): void {
    let position = from;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      if (!this.#isBefore(position, parent)) return;
      this.#swap(position, parent);
      position = parent;
    }
  }

  #sink(): void {
    let position = 0;
    for (;;) {
      const left = 2 * position + 1;
      const child = this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#isBefore(child, position)) return;
      this.#swap(position, child);
      position = child;
    }
  }

  #isBefore(position: number, other: number): boolean {
    const a = this.#entries[position];
    const b = this.#entries[other];
    return a !== undefined && b !== undefined && isBefore(a, b);
  }

  #swap(position: number, other: number): void {
    const a = this.#entries[position];
    const b = this.#entries[other];
    if (!a || !b) return;
    this.#entries[position] = b;
    this.#entries[other] = a;
  }
}

function isBefore<T extends Due>(a: Entry<T>, b: Entry<T>): boolean {
  return a.item.dueMs < b.item.dueMs || (a.item.dueMs === b.item.dueMs && a.order < b.order);
}
