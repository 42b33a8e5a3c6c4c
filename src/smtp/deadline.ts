// A limit on how long one phase of a connection may take, in real time (RFC 5321 §4.5.3.2). It is set for a whole command or a
// whole message: octets that trickle in do not push it away, unless `refresh` says so.

/** One timer that is armed for one phase after the other. Never keeps the process alive. */
export class Deadline {
  #timer: NodeJS.Timeout | undefined;

  /** Replaces what was armed before. */
  arm(timeoutMs: number, onExpiry: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(onExpiry, timeoutMs).unref();
  }

  /** Starts the armed time anew. */
  refresh(): void {
    this.#timer?.refresh();
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
