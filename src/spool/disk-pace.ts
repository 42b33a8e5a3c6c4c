// Where a piece of a file is read or written. The memory that the system keeps files in answers at once, and a trip to the threads that
// Node has for files costs several times as much as the copy: so it is done on the spot, as long as that is quick. Once it was not, since
// the octets had to come from a slow disk or the system holds back who writes too fast, the threads have it for a while, and the
// event loop is not kept waiting. Syncs always wait for the disk and are not for here.

/** What others may be kept waiting for once in a while. */
const PATIENCE_MS = 20;
const SLOW_MS = 5000;

export class DiskPace {
  #slowUntilMs = Number.NEGATIVE_INFINITY;

  /** Does it here and now, or has it done by the threads; either way errors are rejections. */
  async run<T>(here: () => T, byThreads: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    if (startedMs < this.#slowUntilMs) return byThreads();
    try {
      return here();
    } finally {
      const endedMs = performance.now();
      if (endedMs - startedMs > PATIENCE_MS) this.#slowUntilMs = endedMs + SLOW_MS;
    }
  }
}
