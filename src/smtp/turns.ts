// The reading of all connections of this process, in turns of its event loop. The loop accepts one connection in each turn, so who
// wants in waits for as many turns as there are others before it: a turn must be short, however much those who are in have sent.
// What finds no time left waits for the next turn, small things first: a client that says one command at a time is not behind
// those who send without pause.

/** How long one turn may read. Real time. */
const TURN_MS = 2;
/** Of that what goes to those who have waited: the rest is for what comes next. */
const WAITED_MS = TURN_MS / 2;

/** Among so many of those who have waited one large thing, or a body would stand still as long as others say small things. */
const LARGE_EVERY = 8;

type Task = () => void;

/** An order of turns of its own; all that this process reads goes by the one below. */
export class Turns {
  #startMs = Number.NaN;
  #isOpen = false;
  #taken = 0;
  readonly #small: Task[] = [];
  readonly #large: Task[] = [];

  /** Whether this turn has time left. */
  hasTime(): boolean {
    const nowMs = performance.now();
    if (!this.#isOpen) this.#open(nowMs);
    return nowMs - this.#startMs < TURN_MS;
  }

  /** Does it in a later turn. */
  postpone(task: Task, isSmall: boolean): void {
    (isSmall ? this.#small : this.#large).push(task);
    if (!this.#isOpen) this.#open(performance.now());
  }

  #open(nowMs: number): void {
    this.#isOpen = true;
    this.#startMs = nowMs;
    setImmediate(() => this.#next());
  }

  #next(): void {
    this.#isOpen = false;
    let task = this.#take();
    if (!task) return;
    const startMs = performance.now();
    this.#open(startMs);
    // One at least, or nobody would ever be served where everything else takes longer than a turn.
    for (; task; task = performance.now() - startMs < WAITED_MS ? this.#take() : undefined) task();
  }

  #take(): Task | undefined {
    this.#taken = (this.#taken + 1) % LARGE_EVERY;
    if (this.#taken === 0) return this.#large.shift() ?? this.#small.shift();
    return this.#small.shift() ?? this.#large.shift();
  }
}

/** One event loop, one order of turns. */
export const turns = new Turns();
