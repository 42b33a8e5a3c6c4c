// The mark in a server's folder that mail is being moved from one of its spools to the other: until that is done, no server may start
// on half of it.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Problem } from '../problem.ts';
import { ensurePrivateFolder, syncFolder, writeFileDurably } from '../storage/files.ts';

const MARK = 'copy-under-way.json';
const markFormat = z.object({ from: z.string(), to: z.string() });

/** Which backends the copy was begun between. */
export type CopyMark = z.infer<typeof markFormat>;

/** Undefined where no copy is under way. */
export function readCopyMark(folder: string): CopyMark | undefined {
  const path = join(folder, MARK);
  return existsSync(path) ? markFormat.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
}

/** Durable when it returns. */
export function writeCopyMark(folder: string, mark: CopyMark): void {
  ensurePrivateFolder(folder);
  writeFileDurably(join(folder, MARK), JSON.stringify(mark));
}

export function removeCopyMark(folder: string): void {
  rmSync(join(folder, MARK));
  syncFolder(folder);
}

/** Problem `spool-copy-unfinished` where a copy was begun in this folder and not finished. */
export function refuseUnfinishedCopy(folder: string): void {
  const mark = readCopyMark(folder);
  if (mark) throw unfinishedCopy(mark);
}

export function unfinishedCopy({ from, to }: CopyMark): Problem {
  return new Problem(
    'spool-copy-unfinished',
    `a copy of the spool was begun and not finished: run "relaypair spool copy --from ${from} --to ${to}" again`,
  );
}
