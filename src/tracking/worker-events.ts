// Events of worker processes: ids 30300 to 30309.

import { define } from './event.ts';

/** By symbolic name. */
export const WORKER_EVENTS = {
  WorkerEnded: define<{ worker: number; processId: number; cause: string }>({
    id: 30_300,
    source: 'relaypair',
    level: 'Error',
    describe: (facts) =>
      `Worker process ${facts.worker} (process id ${facts.processId}) ended by itself: ${facts.cause}. It is started again. Its sessions are cut off; what it had acknowledged is in the spool, what it had not its clients send again. If it happens again and again, look into the server's log.`,
    key: (facts) => String(facts.worker),
  }),
};
