// What the kernel says of processes and their descendants: CPU used, children that have ended included, and memory.

import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: fixed for programs on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

interface Status {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** The processes and all below them. */
function family(roots: readonly number[]): number[] {
  return membersOf(roots).map(({ pid }) => pid);
}

/** User and system time in milliseconds. */
export function cpuMs(roots: readonly number[]): number {
  const ticks = membersOf(roots).reduce((sum, member) => sum + member.ticks, 0);
  return (ticks * 1000) / TICKS_PER_SECOND;
}

/** Proportional set size in MiB: shared pages are counted once. */
export function pssMib(roots: readonly number[]): number {
  return family(roots).reduce((sum, pid) => sum + readPss(pid), 0) / 1024;
}

function membersOf(roots: readonly number[]): Status[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStatus(Number(name)) ?? []);
  const found = new Set(roots);
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => found.has(pid));
}

function readStatus(pid: number): Status | undefined {
  const text = readOrNothing(`/proc/${pid}/stat`);
  // The name may hold blanks and brackets: fields are counted from the last bracket on.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (text === '') return undefined;
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid, parent: Number(fields[1]), ticks };
}

function readPss(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(readOrNothing(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0);
}

/** Processes come and go. */
function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
