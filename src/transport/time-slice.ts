// Long work in slices: a queue of a hundred thousand is gone through while mail flows.

import { setImmediate as letOthersRun } from 'node:timers/promises';

/** How long the others may be kept waiting. Real time, whatever the clock was moved to. */
const SLICE_MS = 4;

export class TimeSlice {
  #startedMs = performance.now();

  /** To be called at each step: pauses when the slice is used up. */
  async pause(): Promise<void> {
    if (performance.now() - this.#startedMs < SLICE_MS) return;
    await letOthersRun();
    this.#startedMs = performance.now();
  }
}
