// Where a laboratory of one process keeps what its servers write: in memory where the machine has a file system for it, so that a
// sync costs nothing, else among the temporary files.

import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';

/** A new, private folder. */
export function makeLabFolder(): string {
  return mkdtempSync(join(hasMemory() ? MEMORY : tmpdir(), 'relaypair-lab-'));
}

export function removeLabFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function hasMemory(): boolean {
  try {
    accessSync(MEMORY, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
