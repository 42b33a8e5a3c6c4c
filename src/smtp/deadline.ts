// A limit on how long one phase of a connection may take, in real time (RFC 5321 §4.5.3.2). It is set for a whole command or a
// whole message: octets that trickle in do not push it away, unless `refresh` says so. A phase is over long before its limit
// nearly always: so the timer is left to run and looked at when it fires, and is not made anew for each command.

/** One limit that is armed for one phase after the other. Never keeps the process alive; whoever has it ends it. */
export class Deadline {
  #timer: NodeJS.Timeout | undefined;
  #firesMs = 0;
  #timeoutMs = 0;
  #dueMs = 0;
  #onExpiry: (() => void) | undefined;

  /** Replaces what was armed before. */
  arm(timeoutMs: number, onExpiry: () => void): void {
    this.#timeoutMs = timeoutMs;
    this.#onExpiry = onExpiry;
    this.refresh();
  }

  /** Starts the armed time anew. */
  refresh(): void {
    if (!this.#onExpiry) return;
    this.#dueMs = performance.now() + this.#timeoutMs;
    if (!this.#timer || this.#firesMs > this.#dueMs) this.#startTimer(this.#timeoutMs);
  }

  /** Nothing is waited for; the next phase may be armed. */
  clear(): void {
    this.#onExpiry = undefined;
  }

  /** The same for good: a timer that is left would keep the connection in memory. */
  end(): void {
    this.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #startTimer(ms: number): void {
    clearTimeout(this.#timer);
    this.#firesMs = performance.now() + ms;
    this.#timer = setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    this.#timer = undefined;
    const onExpiry = this.#onExpiry;
    if (!onExpiry) return;
    const leftMs = this.#dueMs - performance.now();
    if (leftMs > 0) return this.#startTimer(Math.ceil(leftMs));
    this.#onExpiry = undefined;
    onExpiry();
  }
}
