// Open connections of one hop that have nothing to carry for the moment. They are kept for a short while, since the next
// message often comes at once and a connection with TLS and authentication costs more than a message does.

export class IdleConnections {
  readonly #waiting: ((isWanted: boolean) => void)[] = [];

  get count(): number {
    return this.#waiting.length;
  }

  /** Resolves to true when there is something to carry, to false when the connection is to be closed: `keepMs` of real time. */
  wait(keepMs: number): Promise<boolean> {
    if (keepMs === 0) return Promise.resolve(false);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const end = (isWanted: boolean): void => {
      clearTimeout(timer);
      const index = this.#waiting.indexOf(end);
      if (index >= 0) this.#waiting.splice(index, 1);
      resolve(isWanted);
    };
    const timer = setTimeout(() => end(false), keepMs);
    this.#waiting.push(end);
    return promise;
  }

  /** There is something to carry for so many connections: the last to have become idle come first, the others run out. */
  wake(count: number): void {
    for (const end of this.#waiting.slice(-count).toReversed()) end(true);
  }

  /** Nothing may be carried by what was opened before. */
  dismiss(): void {
    for (const end of [...this.#waiting]) end(false);
  }
}
