// The numbered steps of a server: each system call by which it changes a file, syncs one or says something to a peer. They
// are counted once; a kill at a step strikes just before its call, and so between two calls next to each other.

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { NumberedCall, SystemCall } from '../helpers/strace.ts';
import { parseCalls } from '../helpers/strace.ts';

/** What moves a message or its record on. Reads, waits and wake-ups between threads change nothing that could be lost. */
export const STEP_CALLS =
  'write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync,ftruncate,rename,unlink,link,mkdir,shutdown';
export const SYNC_CALLS = 'fsync,fdatasync';

export interface Step extends NumberedCall {
  readonly nth: number;
  readonly thread: 'main' | 'files';
  /** The call and what it acts on: `fsync spool.db-wal`. */
  readonly what: string;
}

/** The steps in a log of STEP_CALLS, in order; `main` is the process's own id. */
export function listSteps(log: string, main: number): Step[] {
  const counts = new Map<string, number>();
  return parseCalls(readFileSync(log, 'utf8')).flatMap((call) => {
    const key = `${call.thread} ${call.name}`;
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    if (isWakeUp(call)) return [];
    return [{ thread: call.thread === main ? 'main' : 'files', call: call.name, nth, what: describeCall(call) }];
  });
}

/** The call before which a killed thread died, as strace's log has it; undefined when it was not killed. */
export function findFatalCall(log: string): string | undefined {
  const lines = readFileSync(log, 'utf8').split('\n');
  rmSync(log);
  if (!lines.some((line) => line.includes('+++ killed by SIGKILL'))) return undefined;
  const [, name, text] = /^(?:\d+ +)?(\w+)\((.*)$/.exec(lines.findLast((line) => line.includes('(')) ?? '') ?? [];
  return name === undefined || text === undefined ? 'an unknown call' : describeCall({ thread: 0, name, text });
}

/** The thread to be traced for a step. */
export function threadOf(pid: number, { thread }: Step): number {
  if (thread === 'main') return pid;
  const tasks = join('/proc', String(pid), 'task');
  const isWorker = (id: string): boolean => readFileSync(join(tasks, id, 'comm'), 'utf8').startsWith('libuv-worker');
  return Number(readdirSync(tasks).find((id) => isWorker(id)) ?? pid);
}

function describeCall({ name, text }: SystemCall): string {
  return `${name} ${targetOf(text)}`;
}

function targetOf(text: string): string {
  const path = /^\d+<([^>]*)>/.exec(text)?.[1] ?? /^"([^"]*)"/.exec(text)?.[1] ?? '';
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (path.startsWith('socket:') || path.startsWith('TCP')) return 'a connection';
  if (path.startsWith('pipe:') || path === '') return 'its output';
  if (/\.(?:part|body)$/.test(name)) return 'a body file';
  if (name.endsWith('.log')) return 'a log';
  // Names that differ from run to run.
  return name.replaceAll(/[0-9a-f]{8,}/g, '*');
}

function isWakeUp({ text }: SystemCall): boolean {
  return /^\d+<(?:anon_inode:\[eventfd\]|pipe:)/.test(text);
}
