// What is appended without a sync stays in the system's memory until it writes it all at once, up to half a minute later, and whoever
// syncs a file meanwhile waits for that. A file that grows is therefore written out piece by piece, by the threads that Node has for
// files, and one at a time in this process: they serve the spool as well. Nobody waits for it and nothing depends on it.

import { closeSync, fdatasync } from 'node:fs';

const EVERY_BYTES = 64 * 1024;

let isBusy = false;

/** As the system's: calls back when the file's octets are on the disk, or cannot be brought there. */
type Sync = (descriptor: number, done: () => void) => void;

/** For one file after the other. */
export class WriteBehind {
  readonly #sync: Sync;
  #bytes = 0;
  #underWay: number | undefined;
  #isToBeClosed = false;

  constructor(sync: Sync = fdatasync) {
    this.#sync = sync;
  }

  /** To be told of each write. */
  note(descriptor: number, bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < EVERY_BYTES || isBusy) return;
    this.#bytes = 0;
    isBusy = true;
    this.#underWay = descriptor;
    this.#sync(descriptor, () => this.#end(descriptor));
  }

  /** Closes the file, at the latest when what is under way has ended. */
  close(descriptor: number): void {
    this.#bytes = 0;
    if (this.#underWay === descriptor) this.#isToBeClosed = true;
    else closeSync(descriptor);
  }

  #end(descriptor: number): void {
    isBusy = false;
    this.#underWay = undefined;
    if (!this.#isToBeClosed) return;
    this.#isToBeClosed = false;
    try {
      closeSync(descriptor);
    } catch {
      // The descriptor is gone either way.
    }
  }
}
