// How Get-Message lists a message. Properties and their order are Exchange's; NetworkMessageId is our own there.

import type { FilterProperties } from './filter-expression.ts';
import type { Place } from './message-place.ts';
import { type OutputRecord, type OutputValue, sizeValue, timeSpanValue } from './output.ts';
import { formatQueueIdentity } from './queue-record.ts';
import type { ServerContext } from './server-context.ts';
import type { Envelope, RecipientState, SpooledMessage } from '../spool/spool.ts';

/** What a message shows, and how -Filter and -SortOrder compare it. */
export const MESSAGE_PROPERTIES = {
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
  MessageLatency: 'duration',
  NetworkMessageId: 'text',
} as const satisfies FilterProperties;

type MessageRecord = Readonly<Record<keyof typeof MESSAGE_PROPERTIES | 'Recipients', OutputValue>>;

/** The message in this place; undefined when it has left meanwhile. `isDetailed`: status and error of each recipient. */
export async function describePlace(
  context: ServerContext,
  place: Place,
  isDetailed: boolean,
): Promise<OutputRecord | undefined> {
  if (place.damaged) return describeDamaged(context, place);
  const message = place.message ?? (await context.spool.get(place.id));
  if (!message) return undefined;
  const identity = identityOf(context, place);
  const record: MessageRecord = {
    ...identity,
    ...describeEnvelope(context, message.envelope),
    Status: place.status,
    Size: sizeValue(message.bodySizeBytes),
    LastError: explainDelay(message, place) ?? null,
    Recipients: describeRecipients(message, place, isDetailed),
    RetryCount: place.attempts ?? message.attempts,
  };
  return inOrder(record);
}

function describeDamaged(context: ServerContext, place: Place): OutputRecord {
  const envelope = place.damaged?.envelope;
  const record: MessageRecord = {
    ...identityOf(context, place),
    ...(envelope ? describeEnvelope(context, envelope) : NOTHING_KNOWN),
    Status: place.status,
    Size: null,
    LastError: place.lastError ?? null,
    Recipients: envelope?.recipients.map(({ address }) => address) ?? null,
    RetryCount: null,
    ExpirationTime: null,
  };
  return inOrder(record);
}

function identityOf({ config }: ServerContext, { queue, id }: Place): Pick<MessageRecord, 'Identity' | 'Queue'> {
  const name = formatQueueIdentity(config, queue.name);
  return { Identity: `${name}\\${id}`, Queue: name };
}

function describeEnvelope(
  { clock }: ServerContext,
  envelope: Envelope,
): Record<keyof typeof NOTHING_KNOWN, OutputValue> {
  return {
    Subject: envelope.subject,
    InternetMessageId: envelope.messageId,
    FromAddress: envelope.reversePath === '' ? '<>' : envelope.reversePath,
    MessageSourceName: envelope.source,
    SourceIP: envelope.sourceAddress ?? null,
    DateReceived: envelope.receivedAt,
    ExpirationTime: envelope.expiresAt,
    MessageLatency: timeSpanValue(Math.max(0, clock.now().getTime() - envelope.receivedAt.getTime())),
    NetworkMessageId: envelope.networkMessageId,
  };
}

/** What an envelope that cannot be trusted says. */
const NOTHING_KNOWN = {
  Subject: null,
  InternetMessageId: null,
  FromAddress: null,
  MessageSourceName: null,
  SourceIP: null,
  DateReceived: null,
  ExpirationTime: null,
  MessageLatency: null,
  NetworkMessageId: null,
} as const;

/** Recipients are shown and not compared. */
const ORDER = Object.keys(MESSAGE_PROPERTIES).flatMap((name) => (name === 'Queue' ? [name, 'Recipients'] : [name]));

function inOrder(record: MessageRecord): OutputRecord {
  return Object.fromEntries(ORDER.map((name) => [name, record[name as keyof MessageRecord]]));
}

/** Those that go to this queue. */
function describeRecipients(message: SpooledMessage, place: Place, isDetailed: boolean): OutputValue {
  const recipients = recipientsIn(message, place.indexes);
  if (!isDetailed) return recipients.map(({ address }) => address);
  return recipients.map((recipient) => ({
    Address: recipient.address,
    Status: place.status,
    LastError: recipient.lastError ?? explainDelay(message, place) ?? null,
  }));
}

function explainDelay(message: SpooledMessage, place: Place): string | undefined {
  const [first] = recipientsIn(message, place.indexes);
  return place.lastError ?? first?.lastError ?? place.queueError;
}

function recipientsIn({ recipients }: SpooledMessage, indexes: readonly number[] | undefined): RecipientState[] {
  if (indexes) return indexes.flatMap((index) => recipients[index] ?? []);
  return recipients.filter(({ status }) => status === 'pending');
}
