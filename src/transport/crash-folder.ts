// What a crash leaves behind, in a folder of its own, and how often each message was under work then. A crash is an exception
// that nobody caught (noted on the way down) or a heap that ran over (Node's own report tells of it). A process that was killed
// or lost its power leaves no note: nothing is counted, however often that happens.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../problem.ts';
import { ensurePrivateFolder, writeFileDurably } from '../storage/files.ts';
import { readUnderWork, UnderWork } from './under-work.ts';

/** A crash of the process before this one. */
export interface Crash {
  readonly cause: string;
  /** The messages that were under work. */
  readonly ids: readonly number[];
}

/** How many crashes each message was under work in. */
export type CrashCounts = ReadonlyMap<number, number>;

const NOTE = 'crash.json';
const REPORT = 'out-of-memory.json';
const SLOTS = 'under-work';
const COUNTS = 'counts.json';
const MAX_CAUSE_LENGTH = 500;

const noteFormat = z.object({ at: z.string(), cause: z.string(), ids: z.array(z.int().positive()) });
const reportFormat = z.object({ header: z.object({ event: z.string(), dumpEventTimeStamp: z.string() }) });
const countsFormat = z.object({
  /** Which crash was counted last: it is counted once, even by a start that is killed. */
  last: z.string(),
  counts: z.array(z.tuple([z.int().positive(), z.int().positive()])),
});

export class CrashFolder {
  readonly #path: string;
  readonly underWork: UnderWork;
  /** How the process before this one ended, if it crashed. */
  readonly crash: Crash | undefined;
  #counts: CrashCounts;
  readonly #last: string;

  /** Reads what the process before this one left behind, counts it, and begins anew. Only for who owns the spool. */
  constructor(path: string) {
    ensurePrivateFolder(path);
    this.#path = path;
    const found = readCrash(path);
    const { last, counts } = readCounts(path);
    const isNew = found !== undefined && found.key !== last;
    this.crash = isNew ? found : undefined;
    this.#last = found?.key ?? last;
    this.#counts = isNew ? countCrash(counts, found.ids) : counts;
    if (isNew) this.#saveCounts();
    for (const name of [NOTE, REPORT]) rmSync(join(path, name), { force: true });
    this.underWork = new UnderWork(join(path, SLOTS));
  }

  get counts(): CrashCounts {
    return this.#counts;
  }

  /** Where Node is to write its report when the heap runs over. */
  get reportPath(): string {
    return join(this.#path, REPORT);
  }

  /** Forgets all others. */
  keepCounts(counts: CrashCounts): void {
    if (counts.size === this.#counts.size) return;
    this.#counts = counts;
    this.#saveCounts();
  }

  /** For the way down: writes at once, and throws nothing. */
  note(error: unknown): void {
    const cause = messageOf(error).slice(0, MAX_CAUSE_LENGTH);
    const at = `${Date.now()} ${process.pid}`;
    try {
      writeFileDurably(join(this.#path, NOTE), JSON.stringify({ at, cause, ids: this.underWork.ids() }));
    } catch {
      // Where nothing can be written, nothing is counted.
    }
  }

  close(): void {
    this.underWork.close();
  }

  #saveCounts(): void {
    writeFileDurably(join(this.#path, COUNTS), JSON.stringify({ last: this.#last, counts: [...this.#counts] }));
  }
}

/** Adds one for each message under work. */
function countCrash(counts: CrashCounts, ids: readonly number[]): CrashCounts {
  const added = new Map(counts);
  for (const id of ids) added.set(id, (added.get(id) ?? 0) + 1);
  return added;
}

function readCrash(path: string): (Crash & { readonly key: string }) | undefined {
  const note = noteFormat.safeParse(readJson(join(path, NOTE)));
  if (note.success) return { key: note.data.at, cause: note.data.cause, ids: note.data.ids };
  const report = reportFormat.safeParse(readJson(join(path, REPORT)));
  if (!report.success) return undefined;
  const { event, dumpEventTimeStamp } = report.data.header;
  return { key: dumpEventTimeStamp, cause: event, ids: readUnderWork(join(path, SLOTS)) };
}

function readCounts(path: string): { last: string; counts: CrashCounts } {
  const found = countsFormat.safeParse(readJson(join(path, COUNTS)));
  return found.success
    ? { last: found.data.last, counts: new Map(found.data.counts) }
    : { last: '', counts: new Map() };
}

/** Undefined when the file is not there, or not whole: a report that the process could not finish. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
