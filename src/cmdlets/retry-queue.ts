// Retry-Queue: tries at once what waits in a queue, instead of when its time comes.

import { Problem } from '../problem.ts';
import type { HopQueue } from '../transport/hop-queue.ts';
import { defineCmdlet } from './cmdlet.ts';
import { parseFilterExpression } from './filter-expression.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import { describeQueue, isQueueNamed, listQueues, nameQueue, QUEUE_PROPERTIES, queueNotFound } from './queue-record.ts';
import type { ServerContext } from './server-context.ts';

export const retryQueue = defineCmdlet({
  name: 'Retry-Queue',
  roles: ['hub', 'edge'],
  synopsis: 'Try the messages of a queue at once',
  description:
    'When the attempt fails the queue waits as long as after any other. Submission is always taken up at once and cannot be retried; Unreachable is sorted again by itself when a connector changes.',
  examples: ['Retry-Queue 3', `Retry-Queue -Filter "Status -eq 'Retry'"`],
  parameters: {
    Identity: { type: 'string', help: 'The queue: HUB01\\3, 3, Unreachable or a NextHopDomain' },
    Filter: { type: 'string', help: 'All queues whose properties compare so' },
    Server: SERVER,
  },
  positional: ['Identity'],
  table: [],
  changes: true,
  run(context: ServerContext, { Identity, Filter, Server }) {
    refuseOtherServer(context.config, Server);
    if ((Identity === undefined) === (Filter === undefined)) {
      throw new Problem('missing-parameter', 'Retry-Queue needs either -Identity or -Filter');
    }
    const chosen = new Set(chooseQueues(context, Identity, Filter));
    const count = context.queue.retryNow((queue) => chosen.has(queue));
    return { records: [], notices: [explainCount(count)] };
  },
});

function chooseQueues(
  context: ServerContext,
  identity: string | undefined,
  filter: string | undefined,
): readonly HopQueue[] {
  const { config } = context;
  const queues = listQueues(context);
  if (identity === undefined) {
    const matches = parseFilterExpression(filter ?? '', QUEUE_PROPERTIES);
    return queues.filter((queue) => matches(describeQueue(config, queue)));
  }
  const named = queues.filter((queue) => {
    return isQueueNamed(config, identity, nameQueue(queue));
  });
  if (named.length === 0) throw queueNotFound(config, identity);
  return named;
}

function explainCount(count: number): string {
  if (count === 0) return 'No queue is retried: no messages wait in what was chosen.';
  return count === 1 ? '1 queue is retried now.' : `${count} queues are retried now.`;
}
