// A damaged database made anew out of what can still be read of it. The new file grows beside the old one and takes its place
// when it is whole; the old one is kept. Whoever opens the spool next finishes what a kill has left half done: a file named
// spool.db.rebuilt is a whole database that has to take its place, and its own kernel lock keeps everybody else away meanwhile.

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { Problem } from '../problem.ts';
import { syncFolder } from '../storage/files.ts';
import { SPOOL_MIGRATIONS } from './spool-format.ts';
import { copyRows, type RebuiltSpool } from './spool-rows.ts';

const NAME = 'spool.db';
const GROWING = `${NAME}.rebuilding`;
const WHOLE = `${NAME}.rebuilt`;

/**
 * Makes the new database out of what `source` still gives (nothing when it is no database at all); `finishRebuild` then puts
 * it into its place. The old one is only read. Problem `in-use` when somebody else is at it.
 */
export function rebuildDatabase(folder: string, source: DatabaseSync | undefined, now: Date): RebuiltSpool {
  const path = join(folder, GROWING);
  rmSync(path, { force: true });
  const target = new DatabaseSync(path);
  let rebuilt: RebuiltSpool;
  try {
    // It counts for nothing before it is renamed, so nothing is synced on the way.
    target.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; BEGIN');
    for (const migration of SPOOL_MIGRATIONS) target.exec(migration);
    rebuilt = source ? copyRows(source, target, now) : { copied: 0, lostIds: [] };
    target.exec(`PRAGMA user_version = ${SPOOL_MIGRATIONS.length}; COMMIT`);
  } finally {
    target.close();
  }
  syncFile(path);
  renameSync(path, join(folder, WHOLE));
  syncFolder(folder);
  return rebuilt;
}

/**
 * Puts a rebuilt database into its place, if there is one; returns where the old one is kept. Bodies that no row points to any
 * more are moved to damaged/, since the row may be among what was lost. `closeOld` lets go of the old database once it has been
 * moved. Repeatable; Problem `in-use`.
 */
export function finishRebuild(folder: string, closeOld?: () => void): string | undefined {
  const path = join(folder, WHOLE);
  const rebuilt = existsSync(path) ? lockRebuilt(path) : undefined;
  if (!rebuilt) return undefined;
  try {
    moveUnknownBodies(folder, rebuilt);
    const kept = moveOldAside(folder);
    closeOld?.();
    renameSync(path, join(folder, NAME));
    syncFolder(folder);
    return kept;
  } finally {
    rebuilt.close();
  }
}

/** Undefined: somebody else has just put it into its place. */
function lockRebuilt(path: string): DatabaseSync | undefined {
  const url = pathToFileURL(path);
  url.search = 'mode=rw';
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(url, { timeout: 0 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT');
    return database;
  } catch (error) {
    database?.close();
    const { errcode } = error as { errcode?: number };
    if (errcode === SQLITE_CANTOPEN) return undefined;
    if (errcode !== SQLITE_BUSY) throw error;
    throw new Problem('in-use', `the spool in ${dirname(path)} is being repaired by another process: wait for its end`);
  }
}

const SQLITE_BUSY = 5;
const SQLITE_CANTOPEN = 14;

function moveUnknownBodies(folder: string, rebuilt: DatabaseSync): void {
  const bodies = join(folder, 'bodies');
  if (!existsSync(bodies)) return;
  const known = new Set(
    rebuilt
      .prepare('SELECT body_file FROM message WHERE body_file IS NOT NULL')
      .all()
      .map((row) => row['body_file']),
  );
  const unknown = readdirSync(bodies).filter((name) => name.endsWith('.body') && !known.has(name));
  if (unknown.length === 0) return;
  const aside = join(folder, 'damaged');
  mkdirSync(aside, { recursive: true, mode: 0o700 });
  for (const name of unknown) renameSync(join(bodies, name), join(aside, name));
  syncFolder(aside);
  syncFolder(bodies);
}

/** The journal first: beside the new database it would be taken for its own. */
function moveOldAside(folder: string): string | undefined {
  let number = 1;
  while (existsSync(join(folder, `${NAME}.damaged-${number}`))) number += 1;
  const kept = join(folder, `${NAME}.damaged-${number}`);
  for (const suffix of ['-wal', '-journal', '-shm', '']) {
    const path = join(folder, `${NAME}${suffix}`);
    if (existsSync(path)) renameSync(path, `${kept}${suffix}`);
  }
  syncFolder(folder);
  return existsSync(kept) ? kept : undefined;
}

function syncFile(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
