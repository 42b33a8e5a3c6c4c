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

/** Throws Problem `spool-unavailable` when the disk has less left than the reserve. */
export function requireRoom(options: RoomOptions): void {
  const { folder, reserveSizeBytes } = options;
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= reserveSizeBytes) return;
  if (bavail * bsize + options.countFreeBytes() >= reserveSizeBytes) return;
  const text = `the disk of the spool ${folder} is full, less than ${reserveSizeBytes} octets are left: make room on it`;
  throw new Problem('spool-unavailable', text);
}
