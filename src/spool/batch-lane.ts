// Group commit over a database that takes its time: whatever asks while a group is under way goes together in the next one, and
// a few groups may be under way at a time. It knows neither mail nor database.

import { closedProblem } from './spool-problems.ts';

export interface BatchLaneOptions<Job, Result> {
  /** Does a group; gives a result or an error for each job, in their order. What it throws is the error of all. */
  readonly run: (jobs: readonly Job[]) => Promise<readonly (Result | Failure)[]>;
  /** Groups at a time. */
  readonly width: number;
  readonly maxJobs: number;
  /** What is more goes into the next group. */
  readonly maxBytes?: number;
  readonly sizeOf?: (job: Job) => number;
}

/** A job's own error, where the others of its group succeeded. */
export class Failure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

interface Waiting<Job, Result> {
  readonly job: Job;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

export class BatchLane<Job, Result> {
  readonly #options: BatchLaneOptions<Job, Result>;
  #waiting: Waiting<Job, Result>[] = [];
  #running = 0;
  #isStarting = false;
  #closed = false;

  constructor(options: BatchLaneOptions<Job, Result>) {
    this.#options = options;
  }

  /** Resolves with the job's result once its group is done. Problem `spool-closed`. */
  add(job: Job): Promise<Result> {
    if (this.#closed) return Promise.reject(closedProblem());
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      this.#startSoon();
    });
  }

  /** Takes nothing more; what waits is still done. */
  close(): void {
    this.#closed = true;
  }

  /** Not a microtask: all sockets of this turn are read first, so their messages are one group. */
  #startSoon(): void {
    if (this.#isStarting || this.#running >= this.#options.width || this.#waiting.length === 0) return;
    this.#isStarting = true;
    setImmediate(() => {
      this.#isStarting = false;
      void this.#runGroup(this.#takeGroup());
    });
  }

  #takeGroup(): Waiting<Job, Result>[] {
    const { maxJobs, maxBytes = Number.POSITIVE_INFINITY, sizeOf = () => 0 } = this.#options;
    let sizeBytes = 0;
    const end = this.#waiting.findIndex(({ job }, index) => {
      sizeBytes += sizeOf(job);
      return index > 0 && (index >= maxJobs || sizeBytes > maxBytes);
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  async #runGroup(group: readonly Waiting<Job, Result>[]): Promise<void> {
    this.#running += 1;
    this.#startSoon();
    try {
      const results = await this.#options.run(group.map(({ job }) => job));
      for (const [index, { resolve, reject }] of group.entries()) {
        const result = results[index];
        if (result instanceof Failure) reject(result.error);
        else resolve(result as Result);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      this.#running -= 1;
      this.#startSoon();
    }
  }
}
