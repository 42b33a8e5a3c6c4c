// Suspend-Queue: sends nothing more from a queue, which goes on taking mail in.

import { chooseQueues, countQueues, QUEUE_CHOICE } from './chosen-queues.ts';
import { defineCmdlet } from './cmdlet.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import type { ServerContext } from './server-context.ts';

export const suspendQueue = defineCmdlet({
  name: 'Suspend-Queue',
  roles: ['hub', 'edge'],
  synopsis: 'Send nothing more from a queue',
  description:
    'Messages under delivery are finished. The queue goes on taking mail in, and its messages expire as ever. It stays suspended over a restart, until Resume-Queue.',
  examples: ['Suspend-Queue 3', `Suspend-Queue -Filter "NextHopDomain -like '*to Internet'"`],
  parameters: { ...QUEUE_CHOICE, Server: SERVER },
  positional: ['Identity'],
  table: [],
  changes: true,
  run(context: ServerContext, { Server, ...choice }) {
    refuseOtherServer(context.config, Server);
    const chosen = chooseQueues(context, 'Suspend-Queue', choice);
    for (const queue of chosen) context.queue.administration.suspendQueue(queue);
    return { records: [], notices: [countQueues(chosen.length, 'suspended')] };
  },
});
