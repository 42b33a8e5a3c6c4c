// The real measuring instruments of back pressure: disks by statfs, memory by what the kernel or V8 would refuse first.

import { statfsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Spool } from '../spool/spool.ts';
import type { DiskSpace } from './pressure.ts';
import type { MailQueue } from './queue.ts';
import type { Resources } from './resource-monitor.ts';

export interface ResourceOwners {
  readonly spoolFolder: string;
  readonly logFolder: string;
  readonly spool: Pick<Spool, 'count'>;
  readonly queue: Pick<MailQueue, 'queues'>;
}

export function measureResources({ spoolFolder, logFolder, spool, queue }: ResourceOwners): Resources {
  return {
    spoolDisk: () => diskSpace(spoolFolder),
    logDisk: () => diskSpace(logFolder),
    memoryPercent,
    submissionLength: async () => {
      const { messages, elsewhere = 0, poison } = await spool.count();
      // A message with recipients behind several hops is in several queues: it counts as sorted all the sooner.
      const sorted = queue.queues().reduce((sum, { messageCount }) => sum + messageCount, 0);
      return Math.max(0, messages - elsewhere - poison - sorted);
    },
  };
}

function diskSpace(folder: string): DiskSpace {
  const { blocks, bavail, bfree, bsize } = statfsSync(folder);
  // What is kept for root is neither free nor ours.
  return { totalBytes: (blocks - bfree + bavail) * bsize, freeBytes: bavail * bsize };
}

/** Whichever is nearer its end: what the process holds of the machine or container, or V8's heap of its limit. */
function memoryPercent(): number {
  const { heap_size_limit: heapLimit, used_heap_size: usedHeap } = getHeapStatistics();
  const constrained = process.constrainedMemory();
  const limit = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return 100 * Math.max(process.memoryUsage.rss() / limit, usedHeap / heapLimit);
}
