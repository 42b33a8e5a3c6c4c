// The files of a rotating log: PREFIXyyyymmdd-nnnn.log, named for a day (UTC) and numbered from 0001 within it, as
// Exchange names its transport logs. What is in them belongs to rotating-log.ts and log-lines.ts.

import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.ts';

export interface LogFile {
  readonly path: string;
  /** The day as it stands in the name: "20071224". */
  readonly day: string;
  readonly number: number;
}

export interface LogLimits {
  /** Files older than this are removed; 30 days when absent. */
  readonly maxAgeMs?: number;
  /** All files of this log together; the oldest go first. 250 MiB when absent. */
  readonly maxFolderSizeBytes?: number;
}

/** What the config says of all logs. */
export function logLimitsOf({ log }: Pick<Config, 'log'>): Required<LogLimits> & { readonly maxFileSizeBytes: number } {
  return { maxAgeMs: log.maxAge, maxFileSizeBytes: log.maxFileSize, maxFolderSizeBytes: log.maxFolderSize };
}

export const DEFAULT_MAX_FILE_SIZE_BYTES = 10 * 1024 * 1024;
const DAY_MS = 86_400_000;
const DEFAULT_MAX_AGE_MS = 30 * DAY_MS;
const DEFAULT_MAX_FOLDER_SIZE_BYTES = 250 * 1024 * 1024;

/** Asked for each line, and the same all day. */
let lastDay = { number: Number.NaN, text: '' };

/** The day of a date as log files carry it: "20071224" (UTC). */
export function formatLogDay(date: Date): string {
  const number = Math.floor(date.getTime() / DAY_MS);
  if (number !== lastDay.number) {
    lastDay = { number, text: date.toISOString().replace(/T.*$/, '').replaceAll(/\D/g, '') };
  }
  return lastDay.text;
}

/** The path of the n-th file of a day. */
export function formatLogPath(folder: string, prefix: string, file: { day: string; number: number }): string {
  return join(folder, `${prefix}${file.day}-${String(file.number).padStart(4, '0')}.log`);
}

/** This log's files, oldest first; files with other names are left alone. */
export function listLogFiles(folder: string, prefix: string): LogFile[] {
  const files: LogFile[] = [];
  for (const name of readdirSync(folder)) {
    const [, day, number] =
      (name.startsWith(prefix) && /^(\d{8,})-(\d{4,9})\.log$/.exec(name.slice(prefix.length))) || [];
    if (day !== undefined) files.push({ path: join(folder, name), day, number: Number(number) });
  }
  return files.toSorted((a, b) => Number(a.day) - Number(b.day) || a.number - b.number);
}

export interface RemovalOptions extends LogLimits {
  readonly now: Date;
  /** How large `current` may become: room is made for it beforehand. */
  readonly maxFileSizeBytes: number;
}

/** Removes what is too old, then the oldest until the rest fits; never `current`, the file that is being written. */
export function removeOldLogFiles(files: readonly LogFile[], current: string, options: RemovalOptions): void {
  const { maxAgeMs = DEFAULT_MAX_AGE_MS, maxFolderSizeBytes = DEFAULT_MAX_FOLDER_SIZE_BYTES } = options;
  const oldestDay = Number(formatLogDay(new Date(options.now.getTime() - maxAgeMs)));
  let totalBytes = options.maxFileSizeBytes;
  for (const file of files.toReversed()) {
    if (file.path === current) continue;
    totalBytes += statSync(file.path, { throwIfNoEntry: false })?.size ?? 0;
    if (Number(file.day) < oldestDay || totalBytes > maxFolderSizeBytes) rmSync(file.path, { force: true });
  }
}
