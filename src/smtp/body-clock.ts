// How long a body may take: as a whole, from its first octet to its end, and between two of its pieces. Time counts against the
// client only, not while we hold the body back because its reader is slow.

import { Deadline } from './deadline.ts';
import type { ListenerTimeouts } from './listener-limits.ts';

/** The time for a body is taken off in so many slices. */
const SLICES = 16;

export interface BodyClockOptions {
  readonly timeouts: () => Pick<ListenerTimeouts, 'messageMs' | 'bodyPauseMs'>;
  readonly isHeldBack: () => boolean;
  readonly onExpiry: () => void;
}

export class BodyClock {
  readonly #options: BodyClockOptions;
  readonly #whole = new Deadline();
  readonly #pause = new Deadline();

  constructor(options: BodyClockOptions) {
    this.#options = options;
  }

  /** A message begins, whether it comes by DATA or in chunks. */
  begin(): void {
    this.#runSlice(this.#options.timeouts().messageMs / SLICES, SLICES);
  }

  /** Octets are awaited from now on. */
  awaitOctets(): void {
    const { timeouts, isHeldBack, onExpiry } = this.#options;
    this.#pause.arm(timeouts().bodyPauseMs, () => (isHeldBack() ? this.awaitOctets() : onExpiry()));
  }

  /** Some have come. */
  noteOctets(): void {
    this.#pause.refresh();
  }

  /** None are awaited: between two chunks. */
  rest(): void {
    this.#pause.clear();
  }

  clear(): void {
    this.#whole.clear();
    this.#pause.clear();
  }

  /** The same for good. */
  end(): void {
    this.#whole.end();
    this.#pause.end();
  }

  #runSlice(sliceMs: number, slicesLeft: number): void {
    this.#whole.arm(sliceMs, () => {
      const left = this.#options.isHeldBack() ? slicesLeft : slicesLeft - 1;
      if (left > 0) return this.#runSlice(sliceMs, left);
      this.#options.onExpiry();
    });
  }
}
