// Makes commits durable without holding the event loop: SQLite writes its journal (the WAL) and does not sync it
// (synchronous = NORMAL), the sync is made here, by the threads that Node has for files. A commit is durable once a sync that
// began after it has succeeded; SQLite itself still syncs both files whenever it moves the journal into the database.

import { closeSync, fdatasync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';

const syncData = promisify(fdatasync);

/** SQLite moves the journal into the database when it has so many pages (of 4 KiB): its own default. */
const CHECKPOINT_PAGES = 1000;

export class Journal {
  readonly #database: DatabaseSync;
  readonly #file: number;
  /** A sync has failed, and none has succeeded since. */
  #isDoubtful = false;

  /** Of a database in WAL mode at `path` that has been written to. */
  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#file = openSync(`${path}-wal`, 'r+');
    database.exec(`PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  }

  /** Resolves when all that was committed before the call is durable; rejects with the system's error when it may not be. */
  async sync(): Promise<void> {
    try {
      if (this.#isDoubtful) this.#writeAgain();
      await syncData(this.#file);
    } catch (error) {
      // What is in doubt must not get into the database, whose own state is known.
      if (!this.#isDoubtful) this.#database.exec('PRAGMA wal_autocheckpoint = 0');
      this.#isDoubtful = true;
      throw error;
    }
    if (this.#isDoubtful) this.#database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    this.#isDoubtful = false;
  }

  close(): void {
    closeSync(this.#file);
  }

  /** After a sync that failed Linux takes the pages for written and would let the next sync succeed without them. */
  #writeAgain(): void {
    const octets = Buffer.allocUnsafe(1024 * 1024);
    const { size } = fstatSync(this.#file);
    for (let at = 0; at < size; ) {
      const length = readSync(this.#file, octets, 0, Math.min(octets.length, size - at), at);
      for (let written = 0; written < length; ) {
        written += writeSync(this.#file, octets, written, length - written, at + written);
      }
      at += length;
    }
  }
}
