// A Map that cannot grow without end: for what is remembered of names that others choose, and for what is worth keeping a while.

/** Holds at most `limit` entries: what was set longest ago makes room. Reading an entry does not make it younger. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #limit: number;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  /** Sets an entry anew, as the youngest. */
  override set(key: Key, value: Value): this {
    // A Map keeps the order of insertion.
    this.delete(key);
    super.set(key, value);
    const [oldest] = this.keys();
    if (this.size > this.#limit && oldest !== undefined) this.delete(oldest);
    return this;
  }
}
