// What is going on in a spool: it is finished before the spool closes.

import type { Log } from '../log.ts';
import { PassingSet } from '../passing.ts';
import { messageOf } from '../problem.ts';

export class WorkUnderWay {
  readonly #log: Log;
  readonly #works = new PassingSet<Promise<void>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Counts the work as under way until it settles; returns it. */
  track<T>(work: Promise<T>): Promise<T> {
    const watched: Promise<void> = work.then(
      () => void this.#works.delete(watched),
      () => void this.#works.delete(watched),
    );
    this.#works.add(watched);
    return work;
  }

  /** The same for work that nobody waits for: a failure is logged. */
  leave(work: Promise<void>): void {
    const logged = work.catch((error: unknown) => {
      this.#log.warn({ error: messageOf(error) }, 'spool: work after the fact failed');
    });
    void this.track(logged);
  }

  /** Resolves once nothing is under way any more. */
  async finished(): Promise<void> {
    while (this.#works.size > 0) await Promise.all(this.#works);
  }
}
