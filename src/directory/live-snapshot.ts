// A directory as an immutable value in memory, read again after every change, so that whoever asks never waits. When reading
// fails (a server that is away, an object that somebody damaged) the last good value stays, marked stale, and the log says
// why; with a kept state this holds over a restart too. Writes that depend on what is there come one after the other, and
// never undo what another server has written meanwhile: see guarded-change.ts.

import { createHash } from 'node:crypto';
import type { Cancel } from '../clock.ts';
import type { LdapEntry, LdapOperations } from '../ldap/entry.ts';
import { LdapFault } from '../ldap/result.ts';
import type { Log } from '../log.ts';
import { isProblem, messageOf, Problem } from '../problem.ts';
import type { Directory } from './directory.ts';
import { guardChanges } from './guarded-change.ts';
import type { KeptState } from './kept-state.ts';

export interface LiveSnapshotOptions<S> {
  readonly directory: Directory;
  readonly read: () => Promise<readonly LdapEntry[]>;
  /** Throws Problem when the entries cannot be understood. */
  readonly understand: (entries: readonly LdapEntry[]) => S;
  readonly log: Log;
  /** Where the last good state outlives this process. */
  readonly kept?: KeptState | undefined;
}

/** What a reading came to: the fault that it met, or that there was none. */
export type ReadingListener = (fault: unknown) => void;

interface State<S> {
  readonly entries: readonly LdapEntry[];
  /** Two states with the same mark are the same state. */
  readonly mark: string;
  readonly value: S;
}

/** How often a change is planned anew because another server was faster. */
const MAX_PLANS = 20;

/** Owns its subscription to the directory's changes. */
export class LiveSnapshot<S> {
  readonly #options: LiveSnapshotOptions<S>;
  readonly #listeners = new Set<() => void>();
  readonly #readingListeners = new Set<ReadingListener>();
  readonly #cancel: Cancel;
  #state: State<S>;
  #fault: unknown;
  /** The number of the last change that `current` has for sure, of a directory that counts its changes. */
  #knownUsn: number | undefined;
  #reads: Promise<void> = Promise.resolve();
  #scheduled: Promise<void> | undefined;
  #writes: Promise<unknown> = Promise.resolve();
  #isOpen = true;

  /** Throws what `read` and `understand` throw, unless there is a kept state: then that is the value, and stale. */
  static async open<S>(options: LiveSnapshotOptions<S>): Promise<LiveSnapshot<S>> {
    try {
      const state = toState(await options.read(), options);
      options.kept?.keep(options.directory.namingContext, state.entries);
      return new LiveSnapshot(options, state, undefined);
    } catch (fault) {
      const entries = options.kept?.entriesOf(options.directory.namingContext);
      if (!entries) throw fault;
      return new LiveSnapshot(options, toState(entries, options), fault);
    }
  }

  private constructor(options: LiveSnapshotOptions<S>, state: State<S>, fault: unknown) {
    this.#options = options;
    this.#state = state;
    this.#fault = fault;
    this.#cancel = options.directory.onChange(() => void this.refresh());
  }

  get current(): S {
    return this.#state.value;
  }

  /** Why `current` is only the last good value; undefined while it is what the directory says. */
  get fault(): unknown {
    return this.#fault;
  }

  /** True while the directory could not be read and `current` is the last good value. */
  get isStale(): boolean {
    return this.#fault !== undefined;
  }

  /** Calls `listener` after each reading that brought another state. */
  onChange(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` after each reading, good or bad. */
  onReading(listener: ReadingListener): Cancel {
    this.#readingListeners.add(listener);
    return () => this.#readingListeners.delete(listener);
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

  /**
   * Applies what `plan` makes of the state of that moment, all or nothing; `current` shows it when this resolves. When another
   * server was faster, `plan` is asked again. Throws Problem `directory-unreachable`, what `plan` throws, and LdapFault.
   */
  change(plan: (current: S) => LdapOperations): Promise<void> {
    return this.#inTurn(async () => {
      for (let round = 1; ; round += 1) {
        await this.#refreshForWriting();
        const { value, entries, mark } = this.#state;
        const operations = guardChanges([...plan(value)], entries);
        if (operations.length === 0) return;
        try {
          return await this.#apply(operations);
        } catch (error) {
          if (!(error instanceof LdapFault) || round === MAX_PLANS) throw error;
          await this.refresh();
          // A refusal by a directory that is as it was when the plan was made has other reasons than a race.
          if (this.#state.mark === mark) throw error;
        }
      }
    });
  }

  /** Applies operations as they are, in somebody's name. Throws LdapFault. */
  apply(operations: LdapOperations, author: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.#refreshForWriting();
      if (operations.length > 0) await this.#apply(operations, author);
    });
  }

  /** Lets go of the directory, which its opener closes. */
  close(): void {
    this.#isOpen = false;
    this.#cancel();
    this.#listeners.clear();
    this.#readingListeners.clear();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#writes.then(work);
    this.#writes = result.catch(() => undefined);
    return result;
  }

  /** To plan on a state that is not the directory's would write what nobody meant. */
  async #refreshForWriting(): Promise<void> {
    await this.refresh();
    if (this.#fault !== undefined) throw explainFault(this.#fault);
  }

  async #apply(operations: LdapOperations, author?: string): Promise<void> {
    try {
      await this.#options.directory.apply(operations, author === undefined ? {} : { author });
    } catch (error) {
      throw explainBreak(error);
    }
    await this.refresh();
  }

  async #read(): Promise<void> {
    if (!this.#isOpen) return;
    try {
      // Asked before the reading: what is written in the middle of it is read the next time.
      const usn = this.#options.directory.changeMark?.highestCommittedUsn;
      const isKnown = usn !== undefined && usn === this.#knownUsn;
      if (!isKnown) this.#take(await this.#options.read());
      this.#knownUsn = usn;
    } catch (error) {
      if (!this.#isOpen) return;
      this.#knownUsn = undefined;
      this.#noteFault(error);
    }
    for (const listener of this.#readingListeners) listener(this.#fault);
  }

  /** Most readings find what was there, and then there is nothing to understand anew. */
  #take(entries: readonly LdapEntry[]): void {
    if (!this.#isOpen) return;
    const mark = markOf(entries);
    const isNew = mark !== this.#state.mark;
    if (isNew) this.#state = { entries, mark, value: this.#options.understand(entries) };
    this.#fault = undefined;
    if (!isNew) return;
    this.#options.kept?.keep(this.#options.directory.namingContext, entries);
    for (const listener of this.#listeners) listener();
  }

  /** A directory that stays away says so once. */
  #noteFault(error: unknown): void {
    const reason = messageOf(error);
    if (this.#fault === undefined || messageOf(this.#fault) !== reason) {
      this.#options.log.error({ reason }, 'the directory cannot be read, the last good state is kept');
    }
    this.#fault = error;
  }
}

/**
 * Opens after `prepare`, which makes what is missing in the directory. That a directory is away is no hindrance while there
 * is a kept state; whoever opens prepares it when it is back.
 */
export async function openPrepared<S>(
  options: LiveSnapshotOptions<S> & { readonly prepare: () => Promise<void> },
): Promise<LiveSnapshot<S>> {
  try {
    await options.prepare();
  } catch (error) {
    if (!options.kept?.entriesOf(options.directory.namingContext)) throw error;
    options.log.warn({ reason: messageOf(error) }, 'the directory could not be prepared');
  }
  return LiveSnapshot.open(options);
}

function toState<S>(entries: readonly LdapEntry[], { understand }: LiveSnapshotOptions<S>): State<S> {
  return { entries, mark: markOf(entries), value: understand(entries) };
}

/** Servers give entries, attributes and values in an order of their own. */
function markOf(entries: readonly LdapEntry[]): string {
  const texts = entries.map(({ dn, attributes }) => {
    const lines = [...attributes].map(([name, values]) =>
      JSON.stringify([name, ...values.map((value) => value.toString('latin1')).toSorted()]),
    );
    return JSON.stringify([dn, ...lines.toSorted()]);
  });
  return createHash('sha256').update(texts.toSorted().join('\n')).digest('hex');
}

function explainFault(fault: unknown): unknown {
  if (!isProblem(fault, 'ldap-unreachable')) return fault;
  return new Problem(
    'directory-unreachable',
    `the directory cannot be reached, and nothing was changed: ${fault.message}; try again when it is back`,
    { cause: fault },
  );
}

function explainBreak(error: unknown): unknown {
  if (!isProblem(error, 'ldap-unreachable')) return error;
  return new Problem(
    'directory-unreachable',
    `the connection to the directory broke during the change: ${error.message}; look whether it was made, and try again if not`,
    { cause: error },
  );
}
