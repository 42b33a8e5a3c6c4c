// Why a search that is under way must end before its entries do: its time is up, its client abandoned it, or nobody is there
// any more (RFC 4511 §4.5.1.5, §4.11). Whoever looks for entries asks now and then.

/** `abandoned` gets no answer at all, `closed` has nobody to give one to. */
export type SearchEnd = 'time-limit' | 'abandoned' | 'closed';

/** Owns the timer of the time limit. */
export class SearchWatch {
  #end: SearchEnd | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Undefined while the search may go on; the first reason stands. */
  get end(): SearchEnd | undefined {
    return this.#end;
  }

  stop(reason: SearchEnd): void {
    this.#end ??= reason;
    this.rest();
  }

  /** From now on it has so much real time. */
  startTimer(limitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.stop('time-limit'), limitMs);
  }

  /** Between two pages, and at its end, no time passes. */
  rest(): void {
    clearTimeout(this.#timer);
  }
}
