// Resume-Queue: lets a suspended queue go on.

import { chooseQueues, countQueues, QUEUE_CHOICE } from './chosen-queues.ts';
import { defineCmdlet } from './cmdlet.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import type { ServerContext } from './server-context.ts';

export const resumeQueue = defineCmdlet({
  name: 'Resume-Queue',
  roles: ['hub', 'edge'],
  synopsis: 'Let a suspended queue go on',
  description: 'The way of each message is asked for anew, and whatever waits is tried at once.',
  examples: ['Resume-Queue 3', `Resume-Queue -Filter "Status -eq 'Suspended'"`],
  parameters: { ...QUEUE_CHOICE, Server: SERVER },
  positional: ['Identity'],
  table: [],
  changes: true,
  run(context: ServerContext, { Server, ...choice }) {
    refuseOtherServer(context.config, Server);
    const chosen = chooseQueues(context, 'Resume-Queue', choice);
    for (const queue of chosen) context.queue.administration.resumeQueue(queue);
    return { records: [], notices: [countQueues(chosen.length, 'resumed')] };
  },
});
