// The file of the server's own log, which pino writes into. It is followed by the next at midnight (UTC) and at a size, as the
// records are (rotating-log.ts), but keeps its name: what is full is moved away from it. Looked for again before each line,
// since it may have been moved by logrotate or, for a worker, by the owner of the spool. On a full disk lines wait in memory, up
// to a size, and nothing is thrown into the mail flow. Dates are the machine's, as those of the files are.

import { linkSync, statSync, type Stats, unlinkSync } from 'node:fs';
import { dirname, parse } from 'node:path';
import { pino } from 'pino';
import type { Config } from '../config.ts';
import { messageOf, Problem } from '../problem.ts';
import {
  DEFAULT_MAX_FILE_SIZE_BYTES,
  formatLogDay,
  formatLogPath,
  type LogLimits,
  listLogFiles,
  logLimitsOf,
  removeOldLogFiles,
} from './log-files.ts';

export interface ServerLogFileOptions extends LogLimits {
  readonly path: string;
  /** A file that would grow beyond this is moved away; 10 MiB when absent. */
  readonly maxFileSizeBytes?: number;
  /** False in a worker process, which only follows. */
  readonly isOwner: boolean;
  /** The machine's own time unless a test has another. */
  readonly now?: () => Date;
}

/** So much waits for room on the disk. */
const MAX_WAITING_BYTES = 1024 * 1024;

type Destination = ReturnType<typeof pino.destination>;

export class ServerLogFile {
  readonly #options: ServerLogFileOptions;
  readonly #destination: Destination;
  /** The one that is open. */
  #file: Pick<Stats, 'dev' | 'ino'>;
  /** What the files that were moved away begin with: "hub-". */
  readonly #prefix: string;

  /** Opens the file, private to its owner, and makes its folder; throws Problem `log-unwritable`. */
  constructor(options: ServerLogFileOptions) {
    this.#options = options;
    this.#prefix = `${parse(options.path).name}-`;
    this.#destination = openDestination(options.path);
    this.#file = statSync(options.path);
  }

  /** Writes a line that ends in a line break. Never throws. */
  write(line: string): void {
    try {
      this.#look(Buffer.byteLength(line));
    } catch {
      // It goes where the last one went.
    }
    this.#destination.write(line);
  }

  #look(lineBytes: number): void {
    const { path, isOwner } = this.#options;
    const found = statSync(path, { throwIfNoEntry: false });
    const isOwn = found?.ino === this.#file.ino && found.dev === this.#file.dev;
    if (isOwn && !(isOwner && this.#isOver(found, lineBytes))) return;
    if (isOwn) this.#moveAway(found.mtime);
    this.#destination.reopen();
    this.#file = statSync(path);
    if (isOwner) this.#removeOldFiles();
  }

  #isOver(file: Stats, lineBytes: number): boolean {
    const { maxFileSizeBytes = DEFAULT_MAX_FILE_SIZE_BYTES, now = currentDate } = this.#options;
    if (!file.isFile() || file.size === 0) return false;
    return file.size + lineBytes > maxFileSizeBytes || formatLogDay(file.mtime) !== formatLogDay(now());
  }

  #moveAway(lastWritten: Date): void {
    const { path } = this.#options;
    const [folder, day] = [dirname(path), formatLogDay(lastWritten)];
    const last = listLogFiles(folder, this.#prefix).findLast((file) => file.day === day);
    // Not rename, which would put it in the place of a file that somebody made meanwhile.
    linkSync(path, formatLogPath(folder, this.#prefix, { day, number: (last?.number ?? 0) + 1 }));
    unlinkSync(path);
  }

  #removeOldFiles(): void {
    const { path, maxFileSizeBytes = DEFAULT_MAX_FILE_SIZE_BYTES, now = currentDate } = this.#options;
    const files = listLogFiles(dirname(path), this.#prefix);
    removeOldLogFiles(files, path, { ...this.#options, maxFileSizeBytes, now: now() });
  }
}

/** The file that the config names; undefined when it names none. Throws Problem `log-unwritable`. */
export function openServerLogFile(
  { log }: Pick<Config, 'log'>,
  { isOwner }: Pick<ServerLogFileOptions, 'isOwner'>,
): ServerLogFile | undefined {
  if (log.file === undefined) return undefined;
  return new ServerLogFile({ ...logLimitsOf({ log }), path: log.file, isOwner });
}

function currentDate(): Date {
  return new Date();
}

function openDestination(path: string): Destination {
  try {
    const destination = pino.destination({
      dest: path,
      append: true,
      mkdir: true,
      mode: 0o600,
      sync: true,
      maxLength: MAX_WAITING_BYTES,
    });
    // Without a listener a full disk would end the process.
    return destination.on('error', () => {});
  } catch (error) {
    throw new Problem('log-unwritable', `the log cannot be written into ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
