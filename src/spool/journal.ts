// Makes commits durable without holding the event loop: SQLite writes its journal (the WAL) and does not sync it
// (synchronous = NORMAL), the sync is made here, by the threads that Node has for files. A commit is durable once a sync that
// began after it has succeeded; SQLite itself still syncs both files whenever it moves the journal into the database. That
// holds up whoever is there, so it is done when nobody is, as far as that happens.

import { closeSync, fdatasync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';

const syncData = promisify(fdatasync);

/**
 * SQLite moves the journal into the database at once when it has so many pages (of 4 KiB; 32 MiB, as much as the disk keeps free for
 * the spool). A page that was written several times is moved once: mail that passes through uses the same ones again and again.
 */
const CHECKPOINT_PAGES = 8000;
/** After so many syncs it is worth doing when nobody waits: of small messages that come one by one each leaves some ten pages. */
const CHECKPOINT_SYNCS = 400;

/** What the owner of a spool may want otherwise. */
export interface JournalOptions {
  /** How long the journal may become, in pages of 4 KiB; `CHECKPOINT_PAGES` when absent. */
  readonly journalPages?: number;
}

export class Journal {
  readonly #database: DatabaseSync;
  readonly #file: number;
  readonly #pages: number;
  #isDoubtful = false;
  /** Since the journal was last moved into the database at leisure. */
  #syncs = 0;

  /** Of a database in WAL mode at `path` that has been written to. */
  constructor(database: DatabaseSync, path: string, { journalPages = CHECKPOINT_PAGES }: JournalOptions) {
    this.#database = database;
    this.#pages = journalPages;
    this.#file = openSync(`${path}-wal`, 'r+');
    database.exec(`PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = ${journalPages}`);
  }

  /** A sync has failed, and none has succeeded since. */
  get isDoubtful(): boolean {
    return this.#isDoubtful;
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
    if (this.#isDoubtful) this.#database.exec(`PRAGMA wal_autocheckpoint = ${this.#pages}`);
    this.#isDoubtful = false;
    this.#syncs += 1;
  }

  /** Moves the journal into the database if it is time for that. Never throws: what cannot be done now is done later. */
  tidy(): void {
    if (this.#syncs >= CHECKPOINT_SYNCS) this.makeRoom();
  }

  /** Moves the journal into the database, so that what it takes of the disk can be written again. Never throws, as `tidy`. */
  makeRoom(): void {
    if (this.#isDoubtful) return;
    this.#syncs = 0;
    try {
      this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    } catch {
      // A sync that failed here fails in `sync` as well, whose file is another one to the system.
    }
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
