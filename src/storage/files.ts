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
  readdirSync,
  statSync,
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

/** Makes a folder (and its parents) that only its owner can enter; throws Problem `folder-unusable`. */
export function ensurePrivateFolder(path: string): void {
  try {
    makeFolders(path);
    chmodSync(path, 0o700);
  } catch (error) {
    throw explainFolderFault(path, error);
  }
}

/**
 * The same for a folder that a person has named. One that others can enter becomes private only while everything in it
 * `isOwn`: whoever names /etc or a home means no chmod of it. Throws Problem `folder-not-private` or `folder-unusable`.
 */
export function claimPrivateFolder(path: string, isOwn: (name: string) => boolean): void {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    const isOpen = found?.isDirectory() === true && (found.mode & 0o077) !== 0;
    if (isOpen && !readdirSync(path).every(isOwn)) {
      throw new Problem(
        'folder-not-private',
        `${path} can be entered by others and holds other files: name a folder for relaypair alone, or chmod 700 it`,
      );
    }
  } catch (error) {
    throw explainFolderFault(path, error);
  }
  ensurePrivateFolder(path);
}

/** Not mkdir's own recursion: Node's never ends where the file system lets nobody make a folder, as under /proc. */
function makeFolders(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(path);
  if (parent !== path) makeFolders(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Somebody else was faster, or a file is in the way.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}

function explainFolderFault(path: string, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof Problem || code === undefined || syscall === undefined) return error;
  const sentence =
    code === 'EEXIST' || code === 'ENOTDIR'
      ? 'is no folder: a file is in the way'
      : `cannot be made private to this user (${code}): it must belong to whoever starts relaypair`;
  return new Problem('folder-unusable', `${path} ${sentence}; name another folder`, { cause: error });
}
