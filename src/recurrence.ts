// Work that is looked at again and again: when somebody says so, and by the clock when the last look said to come back. Looks
// come one after the other; one that fails says when to try again. What is looked at is its owner's.

import type { Cancel, Clock } from './clock.ts';

export interface RecurrenceOptions {
  readonly clock: Clock;
  /** Does what is due and says in how many milliseconds of the clock's time to look again. */
  readonly look: () => Promise<number>;
  /** The same when `look` has thrown. */
  readonly failed: (error: unknown) => number;
}

/** Owns its timer. */
export class Recurrence {
  readonly #options: RecurrenceOptions;
  #cancelTimer: Cancel = () => undefined;
  #looks: Promise<void> = Promise.resolve();
  #isOpen = true;

  constructor(options: RecurrenceOptions) {
    this.#options = options;
  }

  /** Looks now, behind a look that is under way; never rejects. */
  look(): Promise<void> {
    this.#looks = this.#looks.then(() => this.#lookNow());
    return this.#looks;
  }

  /** A look that is under way goes on to its end, and none follows. */
  close(): void {
    this.#isOpen = false;
    this.#cancelTimer();
  }

  async #lookNow(): Promise<void> {
    if (!this.#isOpen) return;
    const { clock, look, failed } = this.#options;
    const delayMs = await look().catch(failed);
    this.#cancelTimer();
    if (this.#isOpen) this.#cancelTimer = clock.schedule(delayMs, () => void this.look());
  }
}
