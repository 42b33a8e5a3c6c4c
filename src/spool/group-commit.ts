// The one writer of the embedded spool: whatever asks to be written while a sync is under way, or in one round of the event
// loop, shares a transaction and its single sync; alone it waits for nobody. In a rush the rounds that follow are one group with
// it, as long as each brings something. What is patient is written at once too, and is synced with what comes next: nobody who
// is in a hurry finds its sync in front of his own. It knows nothing of mail.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { setImmediate as nextRound } from 'node:timers/promises';
import { explainDiskFault, isDiskFull, isInputOutputError } from './disk-fault.ts';
import { waitForLull } from './lull.ts';
import { closedProblem } from './spool-problems.ts';

/** What is more goes into the next transaction, so that the event loop is never held for long. */
const MAX_GROUP = 256;
const MAX_GROUP_BYTES = 2 * 1024 * 1024;
/** What comes so soon after the group before is in a rush, and waits for others at most so long. Real time. */
const RUSH_GAP_MS = 5;
const RUSH_MS = 30;
/** Longest wait for a sync, for what is patient; of two neither waits. */
const PATIENCE_MS = 50;

/** Something to be written. */
export interface Writing<T> {
  /** Runs inside a transaction, perhaps several times: when its group fails, each member is tried alone, and on a full disk once more. */
  readonly write: () => T;
  /** About how much it writes. */
  readonly sizeBytes?: number;
  /** Told once it is in the database and its sync has begun, and whether nobody else is kept waiting by that; must not throw. */
  readonly written?: (result: T, isAlone: boolean) => void;
  /** Runs inside a transaction and takes it back, when it was written and could not be synced. Without it, it stays. */
  readonly undo?: (result: T) => void;
  /** Whether nobody is kept waiting by a sync that comes a little later. Absent: somebody is. */
  readonly isPatient?: (result: T) => boolean;
}

interface Job {
  readonly sizeBytes: number;
  run(): void;
  written(isAlone: boolean): void;
  isPatient(): boolean;
  undo(): void;
  resolve(): void;
  reject(error: unknown): void;
}

export interface GroupCommitOptions {
  readonly database: DatabaseSync;
  /** Makes durable what was committed; rejects with the system's error. */
  readonly sync: () => Promise<void>;
  /** Called when nobody is in a hurry, and for a while probably nobody will be; must not throw. */
  readonly onQuiet?: () => void;
  /** Called when the disk had no room for a transaction, which is tried once more after it; must not throw. */
  readonly onFull?: () => void;
}

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #sync: () => Promise<void>;
  readonly #onQuiet: (() => void) | undefined;
  readonly #onFull: (() => void) | undefined;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  #jobs: Job[] = [];
  /** Written, and not synced yet. */
  #unsynced: Job[] = [];
  /** Ends the wait for what comes next. */
  #wake: (() => void) | undefined;
  /** What was refused and is still in the database. */
  #refused: Job[] = [];
  #work: Promise<void> | undefined;
  /** When the last group was written or synced. Real time. */
  #throughMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor({ database, sync, onQuiet, onFull }: GroupCommitOptions) {
    this.#database = database;
    this.#sync = sync;
    this.#onQuiet = onQuiet;
    this.#onFull = onFull;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#end = database.prepare('COMMIT');
  }

  /**
   * Writes it in the next transaction and resolves with the result once that is synced. Problem `spool-closed` or
   * `spool-unavailable`: nothing of it was kept, unless it was `written` and has no `undo`.
   */
  run<T>({ write, sizeBytes = 0, written, undo, isPatient }: Writing<T>): Promise<T> {
    if (this.#closed) return Promise.reject(closedProblem());
    return new Promise<T>((resolve, reject) => {
      let result: T;
      this.#jobs.push({
        sizeBytes,
        run: () => {
          result = write();
        },
        written: (isAlone) => written?.(result, isAlone),
        undo: () => undo?.(result),
        isPatient: () => isPatient?.(result) === true,
        resolve: () => resolve(result),
        reject,
      });
      this.#wake?.();
      this.#work ??= this.#commitAll();
    });
  }

  /** Takes nothing more; resolves when everything that waits is written and synced, or refused. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#work;
  }

  async #commitAll(): Promise<void> {
    while (this.#jobs.length > 0) {
      await this.#gather();
      const written = this.#write(this.#takeGroup());
      this.#unsynced.push(...written);
      this.#throughMs = performance.now();
      if (await this.#hasTime()) continue;
      await this.#syncAll(this.#unsynced.splice(0));
      this.#throughMs = performance.now();
    }
    this.#work = undefined;
  }

  /** Lets all sockets of this round be read first; in a rush those of the next as well, while there is no end to what they bring. */
  async #gather(): Promise<void> {
    const startMs = performance.now();
    await nextRound();
    if (startMs - this.#throughMs > RUSH_GAP_MS) return;
    await waitForLull(() => this.#closed || this.#endOfGroup() !== -1 || performance.now() - startMs >= RUSH_MS);
  }

  /** Waits while only one that is patient was written; true when others have come that it can be synced with. */
  async #hasTime(): Promise<boolean> {
    const [first, second] = this.#unsynced;
    if (second || first?.isPatient() !== true) return false;
    if (this.#jobs.length === 0 && !this.#closed) await this.#waitForOthers();
    return this.#jobs.length > 0;
  }

  async #waitForOthers(): Promise<void> {
    this.#onQuiet?.();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PATIENCE_MS);
    this.#wake = resolve;
    await promise;
    this.#wake = undefined;
    clearTimeout(timer);
  }

  #takeGroup(): Job[] {
    const end = this.#endOfGroup();
    return this.#jobs.splice(0, end === -1 ? this.#jobs.length : end);
  }

  /** The first that has no room in this group; -1 while all have. */
  #endOfGroup(): number {
    let sizeBytes = 0;
    return this.#jobs.findIndex((job, index) => {
      sizeBytes += job.sizeBytes;
      return index > 0 && (index >= MAX_GROUP || sizeBytes > MAX_GROUP_BYTES);
    });
  }

  async #syncAll(written: readonly Job[]): Promise<void> {
    if (written.length === 0) return;
    const synced = this.#sync();
    const isAlone = written.filter((job) => !job.isPatient()).length === 1;
    for (const job of written) job.written(isAlone);
    try {
      await synced;
    } catch (error) {
      // What the disk holds is unknown, nothing may be acknowledged.
      this.#refused.push(...written);
      this.#takeBack();
      for (const job of written) job.reject(explainDiskFault(error));
      return;
    }
    for (const job of written) job.resolve();
  }

  /** Commits; returns those that were, the others are refused. Room is made once for a group, and not for each of its members. */
  #write(jobs: readonly Job[], mayMakeRoom = true): readonly Job[] {
    if (this.#refused.length > 0) this.#takeBack();
    try {
      this.#transact(() => {
        for (const job of jobs) job.run();
      });
      return jobs;
    } catch (error) {
      if (mayMakeRoom && this.#onFull && isDiskFull(error)) {
        this.#onFull();
        return this.#write(jobs, false);
      }
      // One that is too big for the disk, or a bug's victim, must not take the others with it.
      if (jobs.length > 1 && !isInputOutputError(error)) return jobs.flatMap((job) => this.#write([job], false));
      for (const job of jobs) job.reject(explainDiskFault(error));
      return [];
    }
  }

  /** It would come to life if the process were killed now, although it was refused. */
  #takeBack(): void {
    try {
      this.#transact(() => {
        for (const job of this.#refused) job.undo();
      });
      this.#refused = [];
    } catch {
      // Tried again before the next transaction.
    }
  }

  #transact(write: () => void): void {
    this.#begin.run();
    try {
      write();
      this.#end.run();
    } catch (error) {
      // SQLite has already rolled back by itself after some errors.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}
