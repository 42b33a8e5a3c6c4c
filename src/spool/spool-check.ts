// Looks at every message of a spool, octet by octet, in slices that let mail go on. What is damaged is set aside by the spool
// itself the moment it is read: to read everything is all that is done here.

import { setImmediate as letOthersRun } from 'node:timers/promises';
import { isProblem } from '../problem.ts';
import type { CheckedSpool, CheckWatch, Spool, SpooledMessage } from './spool.ts';

const PAGE_SIZE = 50;

/** Reads everything once; Problem `spool-unavailable` when the disk cannot be read just now. */
export async function checkMessages(spool: Spool, { signal, onProgress }: CheckWatch): Promise<CheckedSpool> {
  let [messages, bytes, afterId] = [0, 0, 0];
  for (;;) {
    if (signal?.aborted === true) break;
    const page = await spool.list({ afterId, limit: PAGE_SIZE });
    for (const message of page) {
      if (!(await isWhole(spool, message))) continue;
      messages += 1;
      bytes += message.bodySizeBytes;
    }
    if (page.length < PAGE_SIZE) break;
    afterId = page.at(-1)?.id ?? afterId;
    onProgress?.({ messages, bytes });
    await letOthersRun();
  }
  return { messages, bytes };
}

/** False for one that is damaged, or has left the spool meanwhile. */
async function isWhole(spool: Spool, message: SpooledMessage): Promise<boolean> {
  try {
    for await (const _chunk of spool.openBody(message)) continue;
    return true;
  } catch (error) {
    if (isProblem(error, 'spool-damaged') || isProblem(error, 'message-gone')) return false;
    throw error;
  }
}
