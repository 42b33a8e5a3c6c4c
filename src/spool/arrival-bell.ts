// Tells listeners that there may be something to claim: once for all that arrived together.

import type { Cancel } from '../clock.ts';

export class ArrivalBell {
  readonly #listeners = new Set<() => void>();
  #ringing = false;

  get hasListeners(): boolean {
    return this.#listeners.size > 0;
  }

  /** Calls `listener` at each ring; it must not throw. */
  listen(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Rings as soon as the running code has ended. */
  ring(): void {
    if (this.#ringing) return;
    this.#ringing = true;
    queueMicrotask(() => {
      this.#ringing = false;
      for (const listener of this.#listeners) listener();
    });
  }
}
