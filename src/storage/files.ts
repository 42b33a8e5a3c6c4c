// Files that are whole or not there: written beside their place, synced, renamed, folder synced. Private to their owner.

import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Problem } from '../problem.ts';

export interface WriteOptions {
  /** Permission bits; 0o600 when absent. */
  mode?: number;
  /** False: a file that is already there is refused with Problem `file-exists`. Default true. */
  overwrite?: boolean;
}

/** Writes a whole file durably: after this returns it survives a power cut; before, nothing of it is to be seen. */
export function writeFileDurably(path: string, content: string | Uint8Array, options: WriteOptions = {}): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  const descriptor = openSync(temporary, 'wx', options.mode ?? 0o600);
  try {
    try {
      writeAll(descriptor, typeof content === 'string' ? Buffer.from(content) : content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    if (options.overwrite === false) linkExclusively(temporary, path);
    else renameSync(temporary, path);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
  syncFolder(dirname(path));
}

function writeAll(descriptor: number, content: Uint8Array): void {
  let written = 0;
  while (written < content.length) written += writeSync(descriptor, content, written);
}

/** link(2) fails when the target exists, which rename(2) does not: so two writers cannot both believe they were first. */
function linkExclusively(temporary: string, path: string): void {
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new Problem('file-exists', `${path} is already there; choose another name or add -Force to overwrite it`);
    }
    throw error;
  }
  unlinkSync(temporary);
}

/** Makes the folder's entries durable (a renamed file is only then sure to be found after a power cut). */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes a folder (and its parents) that only its owner can enter. */
export function ensurePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700);
}
