// Power cuts: a spool is filled, settled, emptied, closed and opened again under strace; then the power goes at every line
// of the record, and the spool's own recovery opens what the disk would hold. What was acknowledged before must be there.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Spool, SpooledMessage } from '../../src/spool/spool.ts';
import { findBackend, makeFolder, readBody, removeFolder, sha256, spoolOptions } from '../helpers/spool-fixtures.ts';
import { type SpoolProcess, startSpoolProcess } from '../helpers/spool-process.ts';
import type { Chance } from './chance.ts';
import { DiskModel, type Survival } from './disk-model.ts';
import { type DiskEvent, readRecord, recordingOptions } from './disk-record.ts';
import { Promises } from './promises.ts';
import { untilClosed } from './trace-end.ts';

const SURVIVALS: readonly Survival[] = ['nothing', 'everything', 'by chance'];
/**
 * Stored and settled while the record runs: small, of 200 KB in the database, in files, and several in one commit. What is
 * settled is named by its place among the acknowledged ones.
 */
const SCRIPT = [
  ['700', '300000', '5000 400000 90000 600000'],
  ['relay 1', 'defer 2', 'bounce 3', 'relay 4', 'bounce 5'],
  // More than the journal of this process keeps before it goes into the database (spool-child.ts).
  [
    '200000 200000 200000 200000 200000 200000 200000 200000',
    '200000 200000 200000 200000 200000 200000 200000 200000',
  ],
  ['relay 7', 'relay 8', 'relay 9', 'relay 10', 'bounce 11', '1000', '300000 10'],
] as const;

export interface PowerCutPlan {
  /** How many lines of the record are tried, each in all three ways; all when absent. */
  readonly cuts?: number;
  readonly chance: Chance;
  /** A sync that fails (EIO) while the record is made, counted from 1 once the spool is open. */
  readonly failing?: NumberedSync;
  readonly progress?: (done: number, all: number) => void;
}

export interface NumberedSync {
  readonly call: 'fsync' | 'fdatasync';
  readonly nth: number;
}

export interface PowerCutReport {
  readonly cuts: number;
  readonly acknowledged: number;
  readonly faults: readonly string[];
}

/** Records once, cuts many times. */
export async function cutPower(plan: PowerCutPlan): Promise<PowerCutReport> {
  const folder = makeFolder();
  try {
    const events = await record(folder, plan.failing);
    const model = new DiskModel(folder, events);
    const lines = plan.chance.spread(cutLines(events), plan.cuts ?? Number.POSITIVE_INFINITY);
    const faults: string[] = [];
    for (const [index, line] of lines.entries()) {
      for (const survival of SURVIVALS) faults.push(...(await tryCut({ model, events, line, survival, plan })));
      plan.progress?.(index + 1, lines.length);
    }
    const last = new Promises(events, Number.POSITIVE_INFINITY);
    return { cuts: lines.length * SURVIVALS.length, acknowledged: last.acknowledged, faults };
  } finally {
    removeFolder(folder);
  }
}

/** A line of its own for each beginning and each end of a call: between two of them nothing changes. */
function cutLines(events: readonly DiskEvent[]): number[] {
  const lines = new Set(events.filter(({ kind }) => kind !== 'open').flatMap(({ begin, end }) => [begin, end]));
  return [...lines].toSorted((a, b) => a - b);
}

async function record(folder: string, failing: NumberedSync | undefined): Promise<DiskEvent[]> {
  const logs = [join(folder, 'first.log'), join(folder, 'second.log')] as const;
  // strace counts for each thread: with one thread for files, one sync fails.
  const inject = failing ? ['-e', `inject=${failing.call}:error=EIO:when=${await countFromStart(failing)}`] : [];
  const first = await open(folder, ['env', 'UV_THREADPOOL_SIZE=1', ...recordingOptions(logs[0]), ...inject]);
  for (const lines of SCRIPT.slice(0, 3)) await tell(first, lines, first.lines);
  await close(first, logs[0]);
  const second = await open(folder, recordingOptions(logs[1]));
  for (const lines of SCRIPT.slice(3)) await tell(second, lines, first.lines);
  await close(second, logs[1]);
  const before = readRecord(logs[0], join(folder, 'spool'));
  const offset = Math.max(...before.map(({ end }) => end)) + 1;
  const after = readRecord(logs[1], join(folder, 'spool'));
  const moved = after.map((event) => ({ ...event, begin: event.begin + offset, end: event.end + offset }));
  return [...before, ...moved];
}

/** strace counts from the process's start, and a spool whose opening fails is of no use here. */
async function countFromStart({ call, nth }: NumberedSync): Promise<number> {
  const folder = makeFolder();
  try {
    const log = join(folder, 'opening.log');
    const child = await open(folder, ['strace', '-D', '-e', `trace=${call}`, '-o', log]);
    await child.kill();
    await untilClosed(log);
    return (
      nth +
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith(call)).length
    );
  } finally {
    removeFolder(folder);
  }
}

async function open(folder: string, under: readonly string[]): Promise<SpoolProcess> {
  const child = startSpoolProcess(['embedded', folder, 'serve'], under);
  await child.waitFor('open');
  return child;
}

/** Each line is answered before the next is told: one line of output for a message, one for a settlement. */
async function tell(child: SpoolProcess, lines: readonly string[], earlier: readonly string[]): Promise<void> {
  for (const line of lines) {
    const [, verb, place] = /^([a-z]+) (\d+)$/.exec(line) ?? [];
    const stored = earlier.filter((said) => said.startsWith('stored'))[Number(place) - 1];
    const answers = countAnswers(child) + (verb === undefined ? line.split(' ').length : 1);
    child.tell(verb === undefined ? line : `${verb} ${stored?.split(' ')[1] ?? 0}`);
    for (let count = child.lines.length; countAnswers(child) < answers; count = child.lines.length) {
      await child.waitForLines(count + 1);
      if (child.lines.length === count) throw new Error(`the spool's process has ended: ${child.stderr}`);
    }
  }
}

function countAnswers({ lines }: SpoolProcess): number {
  return lines.filter((said) => /^(?:stored|refused|done)/.test(said)).length;
}

async function close(child: SpoolProcess, log: string): Promise<void> {
  child.tell('close');
  const code = await child.ended();
  if (code !== 0) throw new Error(`the spool's process ended with ${code}: ${child.stderr}`);
  await untilClosed(log);
}

interface Cut {
  readonly model: DiskModel;
  readonly events: readonly DiskEvent[];
  readonly line: number;
  readonly survival: Survival;
  readonly plan: PowerCutPlan;
}

async function tryCut({ model, events, line, survival, plan }: Cut): Promise<string[]> {
  const target = mkdtempSync(join(tmpdir(), 'relaypair-cut-'));
  const place = `power cut at line ${line}, ${survival} of what was not synced survives`;
  try {
    model.cut(line, survival, target, plan.chance);
    const spool = await findBackend('embedded').open(spoolOptions(target));
    try {
      const { damaged } = await spool.count();
      const troubles = new Promises(events, line).check(await readAll(spool));
      return [...troubles, ...(damaged > 0 ? [`${damaged} messages are damaged`] : [])].map(
        (text) => `${place}: ${text}`,
      );
    } finally {
      await spool.close();
    }
  } catch (error) {
    return [`${place}: ${String(error)}`];
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

/** Every message with the SHA-256 of its body. */
async function readAll(spool: Spool): Promise<{ message: SpooledMessage; digest: string }[]> {
  const found = [];
  for (const message of await spool.list({ limit: 100_000 })) {
    found.push({ message, digest: sha256(await readBody(spool, message)) });
  }
  return found;
}
