// Append-only text files that begin anew each day (UTC) and at a size, and go when they are old. Lines are written in order
// and in one write for all that the running code and what it has set off without waiting appends: by process.nextTick, thus
// before any reply that is said afterwards (smtp/reply-outbox.ts). Nobody waits until they are on the disk: what a log says may
// be lost in a power cut, never what the spool says. Nothing here throws into the mail flow: a line that cannot be written is
// counted and the server's log told once. What the lines mean belongs to tracking/.

import { fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import type { Cancel, Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf, Problem } from '../problem.ts';
import { ensurePrivateFolder } from './files.ts';
import {
  DEFAULT_MAX_FILE_SIZE_BYTES,
  formatLogDay,
  formatLogPath,
  type LogLimits,
  listLogFiles,
  removeOldLogFiles,
} from './log-files.ts';
import { findEndOfContent, MAX_LINE_BYTES, readLinesBackward, readLinesForward } from './log-lines.ts';
import { WriteBehind } from './write-behind.ts';

export interface RotatingLogOptions extends LogLimits {
  readonly folder: string;
  /** What the file names begin with: "MSGTRK". */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The lines a file begins with; each starts with #. */
  readonly header?: (begun: Date) => readonly string[];
  /** A file that would grow beyond this is followed by the next; 10 MiB when absent. */
  readonly maxFileSizeBytes?: number;
  /** Writes bytes from `offset` on and returns how many it wrote: the system's write unless a test lets the disk fill up. */
  readonly write?: (descriptor: number, bytes: Uint8Array, offset: number) => number;
}

export interface LineQuery {
  /** True: the last line first. Default false. */
  readonly newestFirst?: boolean;
  /** Days (UTC) before this date's are left out. */
  readonly from?: Date | undefined;
  /** Days (UTC) after this date's are left out. */
  readonly until?: Date | undefined;
}

/** Hears of a line as it is appended; it must not throw. */
export type LineListener = (line: string) => void;

interface Line {
  readonly octets: Buffer;
  readonly at: Date;
}

interface OpenFile {
  readonly descriptor: number;
  readonly path: string;
  readonly day: string;
}

export class RotatingLog {
  readonly #options: RotatingLogOptions;
  #file: OpenFile | undefined;
  readonly #writeBehind = new WriteBehind();
  #unwritten: Line[] = [];
  #lostLines = 0;
  #lostInARow = 0;
  readonly #listeners = new Set<LineListener>();

  /** Makes the folder; no file before the first line. */
  constructor(options: RotatingLogOptions) {
    ensurePrivateFolder(options.folder);
    this.#options = options;
  }

  /** Lines that could not be written since the start. */
  get lostLines(): number {
    this.flush();
    return this.#lostLines;
  }

  /** Writes one line into the file of the date `at`, before the event loop goes on. Never throws. */
  append(line: string, at: Date = this.#options.clock.now()): void {
    if (this.#unwritten.length === 0) process.nextTick(() => this.flush());
    this.#unwritten.push({ octets: Buffer.from(`${line.replaceAll(/[\r\n]/g, ' ')}\n`), at });
    for (const listener of this.#listeners) listener(line);
  }

  /** Calls `listener` for each line that is appended from now on. */
  onLine(listener: LineListener): Cancel {
    const own: LineListener = (line) => listener(line);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** The lines that were there at the start of reading, without headers, a piece of a file in memory at a time. */
  async *readLines(query: LineQuery = {}): AsyncGenerator<string> {
    this.flush();
    const from = query.from ? Number(formatLogDay(query.from)) : 0;
    const until = query.until ? Number(formatLogDay(query.until)) : Number.POSITIVE_INFINITY;
    const files = listLogFiles(this.#options.folder, this.#options.prefix).filter(
      (file) => Number(file.day) >= from && Number(file.day) <= until,
    );
    for (const { path } of query.newestFirst === true ? files.toReversed() : files) {
      yield* query.newestFirst === true ? readLinesBackward(path) : readLinesForward(path);
    }
  }

  /** Writes what waits, now. */
  flush(): void {
    const lines = this.#unwritten;
    if (lines.length === 0) return;
    this.#unwritten = [];
    const written = this.#writeTogether(lines);
    for (const { octets, at } of lines.slice(written)) {
      try {
        this.#write(octets, at);
        this.#noteSuccess();
      } catch (error) {
        this.#noteLoss(error);
      }
    }
  }

  /** Closes the file; a later line would open it again. */
  close(): void {
    this.flush();
    this.#closeFile();
  }

  #closeFile(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file) this.#writeBehind.close(file.descriptor);
  }

  get #maxFileSizeBytes(): number {
    return this.#options.maxFileSizeBytes ?? DEFAULT_MAX_FILE_SIZE_BYTES;
  }

  /** Writes lines of one day at once where they fit into the present file; returns how many are in it, the rest is to follow. */
  #writeTogether(lines: readonly Line[]): number {
    const open = this.#file;
    const octets = Buffer.concat(lines.map((line) => line.octets));
    if (!open || lines.some((line) => formatLogDay(line.at) !== open.day || line.octets.length > MAX_LINE_BYTES))
      return 0;
    let written = 0;
    try {
      if (this.#whileItFits(open, octets.length)?.isNew !== false) return 0;
      const write = this.#options.write ?? writeSync;
      while (written < octets.length) written += write(open.descriptor, octets, written);
      this.#writeBehind.note(open.descriptor, written);
      this.#noteSuccess();
      return lines.length;
    } catch {
      // Opened anew, which cuts off what was written in part; the line that failed is the first to be tried alone.
      this.#closeAfterLoss();
      let end = 0;
      return lines.findIndex((line) => (end += line.octets.length) > written);
    }
  }

  #write(line: Buffer, at: Date): void {
    if (line.length > MAX_LINE_BYTES) {
      throw new Problem('line-too-long', `a log line of ${line.length} bytes is over the limit of ${MAX_LINE_BYTES}`);
    }
    const { descriptor, isNew } = this.#fileFor(line.length, at);
    const bytes = isNew ? Buffer.concat([this.#header(at), line]) : line;
    const write = this.#options.write ?? writeSync;
    let written = 0;
    while (written < bytes.length) written += write(descriptor, bytes, written);
    this.#writeBehind.note(descriptor, written);
  }

  #header(at: Date): Buffer {
    const lines = this.#options.header?.(at) ?? [];
    return Buffer.from(lines.map((line) => `${line}\n`).join(''));
  }

  /** Asks the system once for each write: the file may have been removed, or cut by a full disk. */
  #fileFor(lineBytes: number, at: Date): { descriptor: number; isNew: boolean } {
    const day = formatLogDay(at);
    const open = this.#file?.day === day ? this.#file : undefined;
    const current = open && this.#whileItFits(open, lineBytes);
    if (current) return current;
    const { folder, prefix } = this.#options;
    ensurePrivateFolder(folder);
    const last = listLogFiles(folder, prefix).findLast((file) => file.day === day);
    const number = last?.number ?? 1;
    const file = this.#whileItFits(this.#open(day, number, at), lineBytes);
    return file ?? { descriptor: this.#open(day, number + 1, at).descriptor, isNew: true };
  }

  #whileItFits({ descriptor }: OpenFile, lineBytes: number): { descriptor: number; isNew: boolean } | undefined {
    const { size, nlink } = fstatSync(descriptor);
    // No link: somebody removed the file, and what is written into it would be seen by nobody.
    const fits = nlink > 0 && (size === 0 || size + lineBytes <= this.#maxFileSizeBytes);
    return fits ? { descriptor, isNew: size === 0 } : undefined;
  }

  #open(day: string, number: number, at: Date): OpenFile {
    this.#closeFile();
    const { folder, prefix } = this.#options;
    const path = formatLogPath(folder, prefix, { day, number });
    const file = { descriptor: openSync(path, 'a+', 0o600), path, day };
    this.#file = file;
    // A crash or a full disk can cut a line, or the header, short: the next line starts clean. Where nothing is to be cut the system
    // is not asked to: it could wait for the spool's syncs.
    const end = findEndOfContent(file.descriptor);
    if (end < fstatSync(file.descriptor).size) ftruncateSync(file.descriptor, end);
    this.#removeOldFiles(path, at);
    return file;
  }

  #removeOldFiles(current: string, now: Date): void {
    const { folder, prefix, log } = this.#options;
    try {
      const options = { ...this.#options, maxFileSizeBytes: this.#maxFileSizeBytes, now };
      removeOldLogFiles(listLogFiles(folder, prefix), current, options);
    } catch (error) {
      log.warn({ folder, prefix, error: messageOf(error) }, 'old log files cannot be removed');
    }
  }

  #noteLoss(error: unknown): void {
    this.#lostLines += 1;
    this.#lostInARow += 1;
    const { folder, prefix, log } = this.#options;
    if (this.#lostInARow === 1) log.error({ folder, prefix, error: messageOf(error) }, 'log lines are being lost');
    this.#closeAfterLoss();
  }

  /** The next line opens it anew, which cuts off what was written in part. */
  #closeAfterLoss(): void {
    try {
      this.#closeFile();
    } catch {
      // The descriptor is gone either way.
    }
  }

  #noteSuccess(): void {
    if (this.#lostInARow === 0) return;
    const { folder, prefix, log } = this.#options;
    log.warn({ folder, prefix, lostLines: this.#lostInARow }, 'log lines are written again');
    this.#lostInARow = 0;
  }
}
