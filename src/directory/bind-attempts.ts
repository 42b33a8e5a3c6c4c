// How often somebody may guess: after some failed binds an address waits, and no more than a few passwords are checked at a
// time, since each check costs a deal of work. Time is the server's clock; memory is bounded.

import type { Clock } from '../clock.ts';
import { sourceOf } from '../ip-range.ts';

export interface BindAttemptLimits {
  /** Failures in a row from one address before it waits. */
  readonly maxFailures: number;
  readonly waitMs: number;
  /** Checks at the same time. */
  readonly maxConcurrent: number;
}

const DEFAULT_BIND_LIMITS: BindAttemptLimits = { maxFailures: 5, waitMs: 30_000, maxConcurrent: 8 };

const MAX_ADDRESSES = 10_000;

interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

/** Owns the count of failures. */
export class BindAttempts {
  readonly #clock: Clock;
  readonly #limits: BindAttemptLimits;
  /** By source. */
  readonly #failures = new Map<string, Failures>();
  #running = 0;

  constructor(clock: Clock, limits: BindAttemptLimits = DEFAULT_BIND_LIMITS) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** False while an address has to wait; `check` is not called then. */
  mayTry(address: string): boolean {
    const source = sourceOf(address);
    const failures = this.#failures.get(source);
    if (!failures || failures.count < this.#limits.maxFailures) return true;
    if (this.#clock.elapsedMs() - failures.lastMs < this.#limits.waitMs) return false;
    this.#failures.delete(source);
    return true;
  }

  /** Runs a check and counts its answer; undefined, unchecked, while too many run. */
  async check(address: string, verify: () => Promise<boolean>): Promise<boolean | undefined> {
    if (this.#running >= this.#limits.maxConcurrent) return undefined;
    this.#running += 1;
    try {
      const isRight = await verify();
      this.#count(sourceOf(address), isRight);
      return isRight;
    } finally {
      this.#running -= 1;
    }
  }

  #count(source: string, isRight: boolean): void {
    const count = (this.#failures.get(source)?.count ?? 0) + 1;
    this.#failures.delete(source);
    if (isRight) return;
    this.#failures.set(source, { count, lastMs: this.#clock.elapsedMs() });
    // The oldest goes first: a Map keeps the order in which they failed.
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MAX_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
  }
}
