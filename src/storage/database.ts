// A SQLite file with a format version: an older one is upgraded step by step, a newer one is refused in one sentence.
// WAL with synchronous=FULL: a commit that returned has been synced (one fsync a commit).

import { DatabaseSync } from 'node:sqlite';
import { messageOf, Problem } from '../problem.ts';

export interface DatabaseOptions {
  path: string;
  /** What it is, for sentences: "spool", "directory". */
  name: string;
  /** One SQL script a version: the n-th brings a database from version n to n+1. */
  migrations: readonly string[];
  /** Keeps a second process out by SQLite's own kernel lock, which dies with its holder. */
  exclusive?: boolean;
}

/** Opens or makes the database; throws Problem `format-too-new`, `in-use` or `database-unreadable`. */
export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const database = new DatabaseSync(options.path, { timeout: options.exclusive === true ? 0 : 5000 });
  try {
    if (options.exclusive === true) database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
    upgrade(database, options);
    return database;
  } catch (error) {
    database.close();
    throw explain(error, options);
  }
}

function upgrade(database: DatabaseSync, options: DatabaseOptions): void {
  const found = formatVersion(database);
  const known = options.migrations.length;
  if (found > known) {
    throw new Problem(
      'format-too-new',
      `the ${options.name} ${options.path} has format ${found}, this relaypair knows up to ${known}: start the newer relaypair that wrote it`,
    );
  }
  // The write lock is taken even when there is nothing to upgrade: it is what shows a second owner at once.
  database.exec('BEGIN IMMEDIATE');
  for (const migration of options.migrations.slice(found)) database.exec(migration);
  database.exec(`PRAGMA user_version = ${known}`);
  database.exec('COMMIT');
}

function formatVersion(database: DatabaseSync): number {
  const row = database.prepare('PRAGMA user_version').get();
  return Number(row?.['user_version'] ?? 0);
}

function explain(error: unknown, options: DatabaseOptions): unknown {
  const { errcode } = error as { errcode?: number };
  const SQLITE_BUSY = 5;
  const SQLITE_CORRUPT = 11;
  const SQLITE_NOTADB = 26;
  if (errcode === SQLITE_BUSY) {
    return new Problem(
      'in-use',
      `the ${options.name} ${options.path} is in use by another process: stop that one first`,
    );
  }
  if (errcode === SQLITE_CORRUPT || errcode === SQLITE_NOTADB) {
    return new Problem(
      'database-unreadable',
      `the ${options.name} ${options.path} is damaged (${messageOf(error)}): move it aside and restore a copy`,
    );
  }
  return error;
}
