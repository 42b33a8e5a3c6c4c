// A binary heap of things that are due at a time: the earliest first, and of those due together the one with the smaller
// number. Each knows its position, so that any of them can be taken out: a hundred thousand waiting messages cost a handful
// of comparisons each, whatever becomes of the others.

export interface Due {
  /** Clock time (elapsed). Not to be changed while the thing is in a heap, but by `bringForward`. */
  dueMs: number;
  /** Decides between those that are due together. */
  order: number;
  /** The heap's own. */
  position: number;
}

export class DueHeap<T extends Due> {
  #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The earliest, left where it is. */
  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    this.#rise(item, this.#items.length);
  }

  /** The earliest, taken out. */
  pop(): T | undefined {
    const [first] = this.#items;
    if (first) this.remove(first);
    return first;
  }

  has(item: T): boolean {
    return this.#items[item.position] === item;
  }

  /** Takes it out; false when it is not here. */
  remove(item: T): boolean {
    if (!this.has(item)) return false;
    const last = this.#items.pop();
    if (last && last !== item) this.#settle(last, item.position);
    return true;
  }

  /** Whatever is due later is due by `dueMs`. */
  bringForward(dueMs: number): void {
    for (const item of this.#items) item.dueMs = Math.min(item.dueMs, dueMs);
    for (let at = (this.#items.length >> 1) - 1; at >= 0; at--) this.#sink(this.#items[at] as T, at);
  }

  /** All of them, the earliest first. */
  toSorted(): T[] {
    return this.#items.toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  /** All of them in no order: cheaper. */
  values(): IterableIterator<T> {
    return this.#items.values();
  }

  #settle(item: T, at: number): void {
    const parent = this.#items[(at - 1) >> 1];
    if (at > 0 && parent && isBefore(item, parent)) this.#rise(item, at);
    else this.#sink(item, at);
  }

  #rise(item: T, from: number): void {
    let at = from;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#items[parentAt] as T;
      if (!isBefore(item, parent)) break;
      this.#put(parent, at);
      at = parentAt;
    }
    this.#put(item, at);
  }

  #sink(item: T, from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      const [a, b] = [this.#items[left], this.#items[left + 1]];
      const [child, childAt] = a && b && isBefore(b, a) ? [b, left + 1] : [a, left];
      if (!child || !isBefore(child, item)) break;
      this.#put(child, at);
      at = childAt;
    }
    this.#put(item, at);
  }

  #put(item: T, at: number): void {
    this.#items[at] = item;
    item.position = at;
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
