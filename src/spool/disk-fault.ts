// Which errors mean that the disk cannot take or give anything just now (full, read-only, failing, out of descriptors).
// They are expected: the caller answers 452 or 451 and tries again. Everything else stays what it is, a bug.

import { messageOf, Problem } from '../problem.ts';

const SYSTEM_CODES = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EFBIG', 'EMFILE', 'ENFILE', 'ENOMEM']);
const SQLITE_CODES = new Set([
  5, // BUSY
  7, // NOMEM
  8, // READONLY
  10, // IOERR
  13, // FULL
  14, // CANTOPEN
]);
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;

/** Problem `spool-unavailable` for a disk that cannot do it now, `database-unreadable` for damage; else unchanged. */
export function explainDiskFault(error: unknown): unknown {
  if (isCorruption(error)) return unreadableProblem(error);
  const { code } = error as { code?: unknown };
  if (!SQLITE_CODES.has(sqliteCode(error)) && !(typeof code === 'string' && SYSTEM_CODES.has(code))) return error;
  return new Problem('spool-unavailable', `the spool's disk cannot be used just now: ${messageOf(error)}`, {
    cause: error,
  });
}

/** True when the database does not hold what was written: a damaged page, or a number that we never write. */
export function isCorruption(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_CORRUPT || (error as { code?: unknown }).code === 'ERR_OUT_OF_RANGE';
}

/** As `explainDiskFault`, while opening: there, statements that we know to be right fail only on a damaged database. */
export function explainOpeningFault(error: unknown): unknown {
  const explained = explainDiskFault(error);
  if (explained !== error || (error as { code?: unknown }).code !== 'ERR_SQLITE_ERROR') return explained;
  return unreadableProblem(error);
}

function unreadableProblem(error: unknown): Problem {
  const text = `the spool's database is damaged (${messageOf(error)}): move it aside and restore a copy`;
  return new Problem('database-unreadable', text, { cause: error });
}

/** True when the operating system refused a read, write or sync, whose effect is then unknown. */
export function isInputOutputError(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_IOERR;
}

/** True when the disk had no room for what the database wanted to write, which was taken back. */
export function isDiskFull(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_FULL;
}

/** SQLite's primary result code; extended ones (1034 is "fsync failed") carry it in their lowest octet. */
function sqliteCode(error: unknown): number {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' ? errcode & 0xff : -1;
}
