// The one writer of the embedded spool: whatever asks to be written in one turn of the event loop shares a transaction and
// its single fsync; alone it waits for nobody. It knows nothing of mail. SQLite is synchronous, so a commit holds the
// event loop for one fsync; to move that to a worker thread, this class and what it runs are what has to move.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Problem } from '../problem.ts';
import { explainDiskFault, isInputOutputError } from './disk-fault.ts';

/** What is more goes into the next transaction, so that the event loop is never held for long. */
const MAX_GROUP = 256;
const MAX_GROUP_BYTES = 2 * 1024 * 1024;

interface Job {
  readonly sizeBytes: number;
  run(): void;
  resolve(): void;
  reject(error: unknown): void;
}

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  readonly #nothing: string;
  #jobs: Job[] = [];
  #scheduled = false;
  #closed = false;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#end = database.prepare('COMMIT');
    const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
    this.#nothing = `PRAGMA user_version = ${Number(version)}`;
  }

  /**
   * Runs `write` inside the next transaction and resolves with its result once that is synced. `write` may run twice: when
   * its group fails, each member is tried alone. `sizeBytes`: about how much it writes. Problem `spool-unavailable` or `spool-closed`: nothing of it was kept.
   */
  run<T>(write: () => T, sizeBytes = 0): Promise<T> {
    if (this.#closed) return Promise.reject(closedProblem());
    return new Promise<T>((resolve, reject) => {
      let result: T;
      this.#jobs.push({
        sizeBytes,
        run: () => {
          result = write();
        },
        resolve: () => resolve(result),
        reject,
      });
      this.#schedule();
    });
  }

  /** Writes everything that waits, now, and takes nothing more. */
  close(): void {
    this.#closed = true;
    while (this.#jobs.length > 0) this.#commit(this.#takeGroup());
  }

  /** setImmediate, not a microtask: it runs after all sockets of this turn were read, so their messages are one group. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#commit(this.#takeGroup());
      if (this.#jobs.length > 0) this.#schedule();
    });
  }

  #takeGroup(): Job[] {
    let sizeBytes = 0;
    const end = this.#jobs.findIndex((job, index) => {
      sizeBytes += job.sizeBytes;
      return index > 0 && (index >= MAX_GROUP || sizeBytes > MAX_GROUP_BYTES);
    });
    return this.#jobs.splice(0, end === -1 ? this.#jobs.length : end);
  }

  #commit(jobs: readonly Job[]): void {
    if (jobs.length === 0) return;
    try {
      this.#transact(jobs);
    } catch (error) {
      // One that is too big for the disk, or a bug's victim, must not take the others with it. After a failed sync there
      // is no such doubt: what the disk holds is unknown, nothing may be acknowledged.
      if (isInputOutputError(error)) this.#overwriteRemains();
      else if (jobs.length > 1) return jobs.forEach((job) => this.#commit([job]));
      for (const job of jobs) job.reject(explainDiskFault(error));
      return;
    }
    for (const job of jobs) job.resolve();
  }

  /**
   * A commit whose sync failed may stand complete in the journal, and would come back to life if the process were killed
   * now, although it was refused. A transaction that changes nothing takes its place there.
   */
  #overwriteRemains(): void {
    try {
      this.#database.exec(this.#nothing);
    } catch {
      // Its sync fails as well, most likely. What it wrote is in its place all the same.
    }
  }

  #transact(jobs: readonly Job[]): void {
    this.#begin.run();
    try {
      for (const job of jobs) job.run();
      this.#end.run();
    } catch (error) {
      // SQLite has already rolled back by itself after some errors.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

/** Problem `spool-closed`. */
export function closedProblem(): Problem {
  return new Problem('spool-closed', 'the spool is closed, the server is stopping');
}
