// What a run of the harness says while it goes on, and what it counts by kind.

export class Progress {
  readonly counts = new Map<string, number>();
  readonly #say: (line: string) => void;
  #total = 0;

  constructor(say: (line: string) => void = () => {}) {
    this.#say = say;
  }

  get total(): number {
    return this.#total;
  }

  /** One more fault of this kind. */
  count(kind: string): void {
    this.#total++;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    if (this.#total % 10 === 0) this.#say(`${this.#total} faults; the last one: ${kind}`);
  }

  say(line: string): void {
    this.#say(line);
  }
}
