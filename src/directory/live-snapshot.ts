// A directory as an immutable value in memory, read again after every change, so that whoever asks never waits. When reading
// fails (a server that is away, an object that somebody damaged) the last good value stays, marked stale, and the log says
// why. Writes that depend on what is there come one after the other.

import type { Cancel } from '../clock.ts';
import type { LdapOperations } from '../ldap/entry.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { Directory } from './directory.ts';

export interface LiveSnapshotOptions<S> {
  readonly directory: Directory;
  /** Reads the directory; throws Problem when it cannot be understood. */
  readonly load: () => Promise<S>;
  readonly log: Log;
}

/** Owns its subscription to the directory's changes. */
export class LiveSnapshot<S> {
  readonly #options: LiveSnapshotOptions<S>;
  readonly #listeners = new Set<() => void>();
  readonly #cancel: Cancel;
  #current: S;
  #fault: unknown;
  #reads: Promise<void> = Promise.resolve();
  #scheduled: Promise<void> | undefined;
  #writes: Promise<unknown> = Promise.resolve();
  #isOpen = true;

  /** Throws what `load` throws: there is no last good value yet. */
  static async open<S>(options: LiveSnapshotOptions<S>): Promise<LiveSnapshot<S>> {
    return new LiveSnapshot(options, await options.load());
  }

  private constructor(options: LiveSnapshotOptions<S>, first: S) {
    this.#options = options;
    this.#current = first;
    this.#cancel = options.directory.onChange(() => void this.refresh());
  }

  get current(): S {
    return this.#current;
  }

  /** True while the directory could not be read and `current` is the last good value. */
  get isStale(): boolean {
    return this.#fault !== undefined;
  }

  /** Calls `listener` after each reading that succeeded. */
  onChange(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when a reading that began after this call is over; never rejects. */
  refresh(): Promise<void> {
    this.#scheduled ??= this.#reads.then(() => {
      this.#scheduled = undefined;
      return this.#read();
    });
    this.#reads = this.#scheduled;
    return this.#scheduled;
  }

  /** Applies what `plan` makes of the state of that moment, all or nothing; `current` shows it when this resolves. */
  change(plan: (current: S) => LdapOperations, author?: string): Promise<void> {
    const result = this.#writes.then(() => this.#changeNow(plan, author));
    this.#writes = result.catch(() => undefined);
    return result;
  }

  async #changeNow(plan: (current: S) => LdapOperations, author: string | undefined): Promise<void> {
    await this.refresh();
    // To plan on a state that is not the directory's would write what nobody meant.
    if (this.#fault !== undefined) throw this.#fault;
    const operations = plan(this.#current);
    if (operations.length === 0) return;
    await this.#options.directory.apply(operations, author === undefined ? {} : { author });
    await this.refresh();
  }

  /** Lets go of the directory, which its opener closes. */
  close(): void {
    this.#isOpen = false;
    this.#cancel();
    this.#listeners.clear();
  }

  async #read(): Promise<void> {
    if (!this.#isOpen) return;
    try {
      this.#current = await this.#options.load();
      this.#fault = undefined;
    } catch (error) {
      if (!this.#isOpen) return;
      this.#fault = error;
      this.#options.log.error(
        { reason: messageOf(error) },
        'the directory cannot be read, the last good state is kept',
      );
      return;
    }
    for (const listener of this.#listeners) listener();
  }
}
