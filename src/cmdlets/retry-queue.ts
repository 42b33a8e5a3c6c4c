// Retry-Queue: tries at once what waits in a queue, instead of when its time comes.

import { chooseQueues, countQueues, QUEUE_CHOICE } from './chosen-queues.ts';
import { defineCmdlet } from './cmdlet.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import { formatQueueIdentity, nameQueue } from './queue-record.ts';
import type { ServerContext } from './server-context.ts';

export const retryQueue = defineCmdlet({
  name: 'Retry-Queue',
  roles: ['hub', 'edge'],
  synopsis: 'Try the messages of a queue at once',
  description:
    'When the attempt fails the queue waits as long as after any other. Submission is always taken up at once and cannot be retried; Unreachable is sorted again by itself when a connector changes. A suspended queue is resumed first.',
  examples: ['Retry-Queue 3', `Retry-Queue -Filter "Status -eq 'Retry'"`, 'Retry-Queue Unreachable -Resubmit $true'],
  parameters: {
    ...QUEUE_CHOICE,
    Resubmit: { type: 'boolean', default: '$false', help: 'Asks for the way of each message anew before it is tried' },
    Server: SERVER,
  },
  positional: ['Identity'],
  table: [],
  changes: true,
  run(context: ServerContext, { Resubmit, Server, ...choice }) {
    refuseOtherServer(context.config, Server);
    const chosen = new Set(chooseQueues(context, 'Retry-Queue', choice));
    const count = context.queue.retryNow((queue) => chosen.has(queue), Resubmit);
    const suspended = [...chosen].filter(({ isSuspended }) => isSuspended);
    const names = suspended.map((queue) => formatQueueIdentity(context.config, nameQueue(queue).name));
    return {
      records: [],
      notices: [explainCount(count)],
      ...(names.length > 0 && {
        warnings: [`Suspended, and so not retried: ${names.join(', ')}. Resume-Queue lets a queue go on.`],
      }),
    };
  },
});

function explainCount(count: number): string {
  if (count === 0) return 'No queue is retried: nothing in what was chosen waits for a retry.';
  return countQueues(count, 'retried now');
}
