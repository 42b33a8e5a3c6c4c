// Worker processes as the operating system shows them.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { eventually, QUICK_RETRY } from './server-processes.ts';
import type { ServersOptions } from './servers.ts';

/** A Hub and an Edge with two workers each, whatever the machine. */
export const TWO_WORKERS: ServersOptions = {
  hubExtra: { workers: 2, retry: QUICK_RETRY },
  edgeExtra: { workers: 2, retry: QUICK_RETRY },
};

/** Process ids of the workers of a server. */
export function workersOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** Waits until a server has so many workers, none of them one of `others`. */
export function awaitWorkers(pid: number, count: number, others: readonly number[] = []): Promise<number[]> {
  return eventually(`${count} workers`, () => {
    const workers = workersOf(pid);
    return workers.length === count && !workers.some((worker) => others.includes(worker)) ? workers : undefined;
  });
}

/** How many sockets a process holds. */
export function countSockets(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((name) => {
    try {
      return readlinkSync(`${folder}/${name}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}
