// How much the spool may still write. New mail stops before the disk is full, so that queued mail can still be delivered
// and settled: SQLite's journal needs room even to delete.

import { statfsSync } from 'node:fs';
import { Problem } from '../problem.ts';

export interface RoomOptions {
  readonly folder: string;
  /** What must be left in octets. */
  readonly reserveSizeBytes: number;
  /** Octets that can be used again without asking the disk: deleted mail frees these. */
  countFreeBytes(): number;
}

/** Others write to the disk as well. In milliseconds. */
const ANSWER_LIFE_MS = 100;
/** A row, its indexes and the journal take more than the octets that are kept in them. */
const WRITTEN_PER_OCTET = 4;

/** Asks the disk again when its last answer is old, or half of what was left by it may have been used. */
export class DiskRoom {
  readonly #options: RoomOptions;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #leftBytes = 0;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** Before `sizeBytes` more are written; throws Problem `spool-unavailable` when the disk has less left than the reserve. */
  require(sizeBytes: number): void {
    const nowMs = performance.now();
    const isFresh = nowMs - this.#askedAtMs < ANSWER_LIFE_MS;
    this.#leftBytes -= (sizeBytes + 1) * WRITTEN_PER_OCTET;
    if (isFresh && this.#leftBytes > 0) return;
    this.#leftBytes = this.#ask() / 2;
    this.#askedAtMs = nowMs;
  }

  /** Octets over the reserve. */
  #ask(): number {
    const { folder, reserveSizeBytes } = this.#options;
    const { bavail, bsize } = statfsSync(folder);
    const over = bavail * bsize - reserveSizeBytes;
    if (over >= 0) return over;
    if (over + this.#options.countFreeBytes() >= 0) return 0;
    const text = `the disk of the spool ${folder} is full, less than ${reserveSizeBytes} octets are left: make room on it`;
    throw new Problem('spool-unavailable', text);
  }
}
