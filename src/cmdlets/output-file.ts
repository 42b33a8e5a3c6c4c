// Files that a cmdlet hands back, written where its command was typed. The door calls this: `refuseUnwritable` before the
// cmdlet runs, so that nothing is changed on the server for a file that cannot be kept, `saveOutputFile` afterwards.

import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Problem } from '../problem.ts';
import { writeFileDurably } from '../storage/files.ts';
import type { OutputFile } from './output.ts';

export interface OutputPlace {
  /** The folder where the command was typed. */
  readonly folder: string;
  /** The name as typed. */
  readonly name: string;
  /** -Force was given. */
  readonly overwrite: boolean;
}

/** Throws Problem `file-exists` or `folder-not-writable` while nothing has happened yet. */
export function refuseUnwritable(place: OutputPlace): void {
  const path = resolve(place.folder, place.name);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !place.overwrite) {
    throw new Problem('file-exists', `${path} is already there; choose another name or add -Force to overwrite it`);
  }
  if (found !== undefined && !found.isFile()) {
    throw new Problem('file-exists', `${path} is not an ordinary file and is not overwritten; choose another name`);
  }
  if (!isWritableFolder(dirname(path))) {
    throw new Problem(
      'folder-not-writable',
      `${dirname(path)} is not a folder that you can write to; choose another place for ${place.name}`,
    );
  }
}

function isWritableFolder(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Writes the file whole or not at all and returns its path; throws Problem `file-exists` if one appeared meanwhile. */
export function saveOutputFile(place: OutputPlace, file: OutputFile): string {
  const path = resolve(place.folder, place.name);
  writeFileDurably(path, file.content, { mode: file.mode ?? 0o600, overwrite: place.overwrite });
  return path;
}
