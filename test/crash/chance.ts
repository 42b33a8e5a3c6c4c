// Chance that can be repeated: the same seed, the same numbers.

export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `limit` - 1 (mulberry32). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  /** So many of the list, spread over the whole of it and in its order; all when there are no more. */
  spread<T>(list: readonly T[], count: number): T[] {
    if (count >= list.length) return [...list];
    const share = list.length / count;
    return Array.from({ length: count }, (_none, index) => {
      const from = Math.floor(index * share);
      return list[from + this.below(Math.max(1, Math.floor((index + 1) * share) - from))] as T;
    });
  }
}
