// Which queues a cmdlet is to work on: -Identity or -Filter, as Suspend-, Resume- and Retry-Queue have them.

import { Problem } from '../problem.ts';
import type { HopQueue } from '../transport/hop-queue.ts';
import { parseFilterExpression } from './filter-expression.ts';
import {
  describeQueue,
  isQueueNamed,
  listQueues,
  nameQueue,
  POISON,
  QUEUE_PROPERTIES,
  queueNotFound,
  SUBMISSION,
} from './queue-record.ts';
import type { ServerContext } from './server-context.ts';

/** The parameters. */
export const QUEUE_CHOICE = {
  Identity: { type: 'string', help: 'The queue: HUB01\\3, 3, Unreachable or a NextHopDomain' },
  Filter: { type: 'string', help: 'All queues whose properties compare so' },
} as const;

export interface QueueChoice {
  readonly Identity: string | undefined;
  readonly Filter: string | undefined;
}

/** The queues chosen; throws Problem `missing-parameter`, `queue-not-found`, or what is wrong with the filter. */
export function chooseQueues(context: ServerContext, cmdlet: string, { Identity, Filter }: QueueChoice): HopQueue[] {
  if ((Identity === undefined) === (Filter === undefined)) {
    throw new Problem('missing-parameter', `${cmdlet} needs either -Identity or -Filter`);
  }
  const { config } = context;
  const queues = listQueues(context);
  if (Identity === undefined) {
    const matches = parseFilterExpression(Filter ?? '', QUEUE_PROPERTIES);
    return queues.filter((queue) => matches(describeQueue(config, queue)));
  }
  const named = queues.filter((queue) => isQueueNamed(config, Identity, nameQueue(queue)));
  if (named.length > 0) return named;
  const own = [SUBMISSION, POISON].find((name) => isQueueNamed(config, Identity, name));
  if (!own) throw queueNotFound(config, Identity);
  throw new Problem(
    'queue-not-found',
    `${cmdlet} does nothing for ${own.name}: Submission is taken up at once and Poison never leaves by itself`,
  );
}

/** "1 queue is …", "3 queues are …". */
export function countQueues(count: number, participle: string): string {
  return count === 1 ? `1 queue is ${participle}.` : `${count} queues are ${participle}.`;
}
