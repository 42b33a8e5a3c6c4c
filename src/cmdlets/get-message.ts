// Get-Message: the messages that wait in the queues of this server. A message whose recipients go to several hops is listed
// once in each, with one number in all of them. What is in no queue yet is read from the spool as Submission's.

import { Problem } from '../problem.ts';
import type { SpooledMessage } from '../spool/spool.ts';
import type { Delivery, HopQueue } from '../transport/hop-queue.ts';
import { defineCmdlet } from './cmdlet.ts';
import { type FilterProperties, parseFilterExpression } from './filter-expression.ts';
import { type OutputRecord, type OutputValue, sizeValue } from './output.ts';
import { refuseOtherServer, SERVER } from './own-server.ts';
import {
  countSubmission,
  explainWait,
  formatQueueIdentity,
  isQueueNamed,
  listQueues,
  nameQueue,
  queueNotFound,
  SUBMISSION,
  withoutServer,
} from './queue-record.ts';
import { limitRecords, RESULT_SIZE } from './result-size.ts';
import type { ServerContext } from './server-context.ts';

const MESSAGE_PROPERTIES = {
  Identity: 'text',
  Subject: 'text',
  InternetMessageId: 'text',
  FromAddress: 'text',
  Status: 'text',
  Size: 'size',
  MessageSourceName: 'text',
  SourceIP: 'text',
  DateReceived: 'date',
  ExpirationTime: 'date',
  LastError: 'text',
  Queue: 'text',
  RetryCount: 'number',
  NetworkMessageId: 'text',
} as const satisfies FilterProperties;

export const getMessage = defineCmdlet({
  name: 'Get-Message',
  roles: ['hub', 'edge'],
  synopsis: 'List the messages that wait in the queues of this server',
  examples: [
    'Get-Message',
    'Get-Message -Queue 3',
    'Get-Message HUB01\\3\\17 -IncludeRecipientInfo --list',
    `Get-Message -Filter "FromAddress -like '*@contoso.com' -and Size -gt 1MB"`,
  ],
  parameters: {
    Identity: { type: 'string', help: 'Only this message: HUB01\\3\\17, 3\\17, or 17 for all queues' },
    Queue: { type: 'string', help: 'Only messages of this queue, named as for Get-Queue' },
    Filter: { type: 'string', help: 'Only messages whose properties compare so' },
    ResultSize: RESULT_SIZE,
    IncludeRecipientInfo: {
      type: 'switch',
      help: 'Shows status and last error of each recipient, not only its address',
    },
    Server: SERVER,
  },
  positional: ['Identity'],
  table: ['Identity', 'FromAddress', 'Status', 'Queue', 'Subject'],
  changes: false,
  async run(context: ServerContext, { Identity, Queue, Filter, ResultSize, IncludeRecipientInfo, Server }) {
    refuseOtherServer(context.config, Server);
    const matches = Filter === undefined ? () => true : parseFilterExpression(Filter, MESSAGE_PROPERTIES);
    if (Queue !== undefined) refuseUnknownQueue(context, Queue);
    const isMeant = compileIdentity(context, Identity);
    const isInQueue = ({ queueName, nextHopDomain }: Place): boolean =>
      Queue === undefined || isQueueNamed(context.config, Queue, { name: queueName, nextHopDomain });
    const places = (await listPlaces(context)).filter((place) => isMeant(place) && isInQueue(place));
    if (Identity !== undefined && places.length === 0) {
      throw new Problem(
        'message-not-found',
        `there is no message "${Identity}" in the queues of ${context.config.netbiosName}`,
      );
    }
    return limitRecords(describePlaces(context, places, { matches, isDetailed: IncludeRecipientInfo }), ResultSize);
  },
});

/** A message in one queue. */
interface Place {
  readonly queueName: string;
  readonly nextHopDomain: string;
  readonly message: SpooledMessage;
  readonly indexes: readonly number[];
  readonly status: 'Active' | 'Ready' | 'Retry' | 'Suspended';
  readonly lastError: string | undefined;
  readonly attempts: number;
}

async function listPlaces(context: ServerContext): Promise<Place[]> {
  const waiting = await readSubmission(context);
  return [...listQueues(context).flatMap(placesIn), ...waiting.map(submissionPlace)];
}

function placesIn(queue: HopQueue): Place[] {
  const place = (delivery: Delivery, status: Place['status']): Place => ({
    queueName: nameQueue(queue),
    nextHopDomain: queue.hop.nextHopDomain,
    message: delivery.message,
    indexes: delivery.indexes,
    status,
    lastError: delivery.lastError ?? explainWait(queue),
    attempts: delivery.attempts,
  });
  return [
    ...[...queue.active].map((delivery) => place(delivery, 'Active')),
    ...queue.waiting.map((delivery) => place(delivery, delivery.hasWaited ? 'Retry' : 'Ready')),
  ];
}

function submissionPlace(message: SpooledMessage): Place {
  const indexes = message.recipients.flatMap(({ status }, index) => (status === 'pending' ? [index] : []));
  return {
    queueName: SUBMISSION,
    nextHopDomain: SUBMISSION,
    message,
    indexes,
    status: message.suspended ? 'Suspended' : 'Ready',
    lastError: message.recipients[indexes[0] ?? 0]?.lastError,
    attempts: message.attempts,
  };
}

const PAGE_SIZE = 500;

/** Pages through the spool only while something of it is missing in the queues. */
async function readSubmission(context: ServerContext): Promise<SpooledMessage[]> {
  const { queuedIds, count } = await countSubmission(context);
  const found: SpooledMessage[] = [];
  let afterId = 0;
  while (found.length < count) {
    const page = await context.spool.list({ afterId, limit: PAGE_SIZE });
    found.push(...page.filter(({ id }) => !queuedIds.has(id)));
    afterId = page.at(-1)?.id ?? afterId;
    if (page.length < PAGE_SIZE) break;
  }
  return found;
}

function compileIdentity({ config }: ServerContext, identity: string | undefined): (place: Place) => boolean {
  if (identity === undefined) return () => true;
  const rest = withoutServer(config, identity);
  const end = rest.lastIndexOf('\\');
  const queue = end < 0 ? '*' : rest.slice(0, end);
  const id = rest.slice(end + 1);
  return ({ queueName, nextHopDomain, message }) =>
    String(message.id) === id && (queue === '*' || isQueueNamed(config, queue, { name: queueName, nextHopDomain }));
}

function refuseUnknownQueue(context: ServerContext, identity: string): void {
  const { config } = context;
  const names = listQueues(context).map((queue) => ({
    name: nameQueue(queue),
    nextHopDomain: queue.hop.nextHopDomain,
  }));
  const all = [...names, { name: SUBMISSION, nextHopDomain: SUBMISSION }];
  if (!all.some((queue) => isQueueNamed(config, identity, queue))) throw queueNotFound(config, identity);
}

/** One by one, so that no more are made than are shown. */
function* describePlaces(
  context: ServerContext,
  places: readonly Place[],
  { matches, isDetailed }: { matches: (record: OutputRecord) => boolean; isDetailed: boolean },
): Generator<OutputRecord> {
  for (const place of places) {
    const record = describePlace(context, place, isDetailed);
    if (matches(record)) yield record;
  }
}

function describePlace({ config }: ServerContext, place: Place, isDetailed: boolean): OutputRecord {
  const { envelope, id, bodySizeBytes } = place.message;
  const queue = formatQueueIdentity(config, place.queueName);
  const record: Readonly<Record<keyof typeof MESSAGE_PROPERTIES | 'Recipients', OutputValue>> = {
    Identity: `${queue}\\${id}`,
    Subject: envelope.subject,
    InternetMessageId: envelope.messageId,
    FromAddress: envelope.reversePath === '' ? '<>' : envelope.reversePath,
    Status: place.status,
    Size: sizeValue(bodySizeBytes),
    MessageSourceName: envelope.source,
    SourceIP: envelope.sourceAddress ?? null,
    DateReceived: envelope.receivedAt,
    ExpirationTime: envelope.expiresAt,
    LastError: place.lastError ?? null,
    Queue: queue,
    Recipients: describeRecipients(place, isDetailed),
    RetryCount: place.attempts,
    NetworkMessageId: envelope.networkMessageId,
  };
  return record;
}

/** Those that go to this queue. */
function describeRecipients({ message, indexes, lastError, status }: Place, isDetailed: boolean): OutputValue {
  const recipients = indexes.flatMap((index) => message.recipients[index] ?? []);
  if (!isDetailed) return recipients.map(({ address }) => address);
  return recipients.map((recipient) => ({
    Address: recipient.address,
    Status: status,
    LastError: recipient.lastError ?? lastError ?? null,
  }));
}
