// Get-Queue: the queues of this server, Submission included even when nothing is in it, Poison only when something is.

import { defineCmdlet } from './cmdlet.ts';
import { parseFilterExpression } from './filter-expression.ts';
import type { OutputRecord } from './output.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import {
  countPoison,
  countSubmission,
  describePoison,
  describeQueue,
  describeSubmission,
  isQueueNamed,
  listQueues,
  nameQueue,
  POISON,
  QUEUE_PROPERTIES,
  type QueueName,
  queueNotFound,
  SUBMISSION,
} from './queue-record.ts';
import { PAGE_PARAMETERS, readPageOrder, takePage } from './result-page.ts';
import type { ServerContext } from './server-context.ts';

/** What -Include and -Exclude name: a NextHopCategory, a DeliveryType, or what holds nothing. */
const KINDS = [
  'Internal',
  'External',
  'Empty',
  'DnsConnectorDelivery',
  'SmartHostConnectorDelivery',
  'SmtpDeliveryToMailbox',
  'SmtpRelayWithinAdSiteToEdge',
  'Undefined',
  'Unreachable',
] as const;

export const getQueue = defineCmdlet({
  name: 'Get-Queue',
  roles: ['hub', 'edge'],
  synopsis: 'List the queues of this server',
  description:
    'One queue for each next hop while there is mail for it and three minutes longer, Unreachable for what no connector takes, Submission for what was accepted and is not sorted yet, and Poison for what is not tried any more until somebody decides: messages that two crashes of the server had in common, and damaged ones.',
  examples: [
    'Get-Queue',
    'Get-Queue 3 --list',
    `Get-Queue -Filter "Status -eq 'Retry' -and MessageCount -gt 10"`,
    `Get-Queue -Filter "NextHopDomain -like '*to Internet'"`,
    'Get-Queue -Exclude Empty -SortOrder "-MessageCount"',
  ],
  parameters: {
    Identity: {
      type: 'string',
      help: 'Only this queue: HUB01\\3, 3, Submission, Unreachable, Poison or a NextHopDomain',
    },
    Filter: { type: 'string', help: 'Only queues whose properties compare so' },
    Include: { type: 'enums', choices: KINDS, help: 'Only queues of these kinds' },
    Exclude: { type: 'enums', choices: KINDS, help: 'No queues of these kinds' },
    ...PAGE_PARAMETERS,
    Server: SERVER,
  },
  positional: ['Identity'],
  table: ['Identity', 'DeliveryType', 'Status', 'MessageCount', 'NextHopDomain'],
  changes: false,
  async run(context: ServerContext, { Identity, Filter, Include, Exclude, Server, ...wish }) {
    refuseOtherServer(context.config, Server);
    const matches = Filter === undefined ? () => true : parseFilterExpression(Filter, QUEUE_PROPERTIES);
    const order = readPageOrder(wish, QUEUE_PROPERTIES);
    const records = (await describeQueues(context, Identity)).filter(
      (record) =>
        matches(record) &&
        (Include === undefined || Include.some((kind) => isOfKind(record, kind))) &&
        !(Exclude ?? []).some((kind) => isOfKind(record, kind)),
    );
    return takePage(records, wish, order);
  },
});

/** The records of all queues or of those that `identity` names; throws Problem `queue-not-found`. */
async function describeQueues(context: ServerContext, identity: string | undefined): Promise<OutputRecord[]> {
  const { config } = context;
  const isMeant = (queue: QueueName): boolean => identity === undefined || isQueueNamed(config, identity, queue);
  const records = listQueues(context)
    .filter((queue) => isMeant(nameQueue(queue)))
    .map((queue) => describeQueue(config, queue));
  const poison = await countPoison(context);
  if (isMeant(SUBMISSION)) records.push(describeSubmission(config, (await countSubmission(context)).count));
  if (isMeant(POISON) && (poison > 0 || identity !== undefined)) records.push(describePoison(config, poison));
  if (identity !== undefined && records.length === 0) throw queueNotFound(config, identity);
  return records;
}

function isOfKind(record: OutputRecord, kind: (typeof KINDS)[number]): boolean {
  if (kind === 'Empty') return record['MessageCount'] === 0;
  return record['NextHopCategory'] === kind || record['DeliveryType'] === kind;
}
