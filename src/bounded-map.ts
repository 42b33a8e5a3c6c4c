// A Map that cannot grow without end: for what is remembered of names that others choose, and for what is worth keeping a while.

import { PassingMap } from './passing.ts';

/** Holds at most `limit` entries: what was set longest ago makes room. Reading an entry does not make it younger. */
export class BoundedMap<Key extends string | number, Value> extends PassingMap<Key, Value> {
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  /** Sets an entry anew, as the youngest. */
  override set(key: Key, value: Value): this {
    this.delete(key);
    super.set(key, value);
    const [oldest] = this.keys();
    if (this.size > this.#limit && oldest !== undefined) this.delete(oldest);
    return this;
  }
}
