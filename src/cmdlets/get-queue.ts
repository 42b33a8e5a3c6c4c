// Get-Queue: the queues of this server, Submission included even when nothing is in it.

import { defineCmdlet } from './cmdlet.ts';
import { parseFilterExpression } from './filter-expression.ts';
import type { OutputRecord } from './output.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import {
  countSubmission,
  describeQueue,
  describeSubmission,
  isQueueNamed,
  listQueues,
  nameQueue,
  QUEUE_PROPERTIES,
  queueNotFound,
  SUBMISSION,
} from './queue-record.ts';
import { limitRecords, RESULT_SIZE } from './result-size.ts';
import type { ServerContext } from './server-context.ts';

export const getQueue = defineCmdlet({
  name: 'Get-Queue',
  roles: ['hub', 'edge'],
  synopsis: 'List the queues of this server',
  description:
    'One queue for each next hop while there is mail for it and three minutes longer, Unreachable for what no connector takes, and Submission for what was accepted and is not sorted yet.',
  examples: [
    'Get-Queue',
    'Get-Queue 3 --list',
    `Get-Queue -Filter "Status -eq 'Retry' -and MessageCount -gt 10"`,
    `Get-Queue -Filter "NextHopDomain -like '*to Internet'"`,
  ],
  parameters: {
    Identity: { type: 'string', help: 'Only this queue: HUB01\\3, 3, Submission, Unreachable or a NextHopDomain' },
    Filter: { type: 'string', help: 'Only queues whose properties compare so' },
    ResultSize: RESULT_SIZE,
    Server: SERVER,
  },
  positional: ['Identity'],
  table: ['Identity', 'DeliveryType', 'Status', 'MessageCount', 'NextHopDomain'],
  changes: false,
  async run(context: ServerContext, { Identity, Filter, ResultSize, Server }) {
    refuseOtherServer(context.config, Server);
    const matches = Filter === undefined ? () => true : parseFilterExpression(Filter, QUEUE_PROPERTIES);
    const records = await describeQueues(context, Identity);
    return limitRecords(records.filter(matches), ResultSize);
  },
});

/** The records of all queues or of those that `identity` names; throws Problem `queue-not-found`. */
async function describeQueues(context: ServerContext, identity: string | undefined): Promise<OutputRecord[]> {
  const { config } = context;
  const { count } = await countSubmission(context);
  const isMeant = (name: string, nextHopDomain: string): boolean =>
    identity === undefined || isQueueNamed(config, identity, { name, nextHopDomain });
  const queues = listQueues(context).filter((queue) => isMeant(nameQueue(queue), queue.hop.nextHopDomain));
  const records = queues.map((queue) => describeQueue(config, queue));
  if (isMeant(SUBMISSION, SUBMISSION)) records.push(describeSubmission(config, count));
  if (identity !== undefined && records.length === 0) throw queueNotFound(config, identity);
  return records;
}
