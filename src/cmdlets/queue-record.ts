// How Get-Queue, Retry-Queue and Get-Message name queues, and how a queue is listed. Properties and their order are
// Exchange's; TlsDemand and Connections are our own. Submission is what the spool holds and the queue has not taken up yet.

import type { Config } from '../config.ts';
import { Problem } from '../problem.ts';
import type { HopQueue } from '../transport/hop-queue.ts';
import type { FilterProperties } from './filter-expression.ts';
import type { OutputRecord, OutputValue } from './output.ts';
import { isOwnName } from './own-server.ts';
import type { ServerContext } from './server-context.ts';

/** What a queue shows, in order, and how -Filter compares it. */
export const QUEUE_PROPERTIES = {
  Identity: 'text',
  DeliveryType: 'text',
  NextHopDomain: 'text',
  TlsDomain: 'text',
  TlsDemand: 'text',
  NextHopConnector: 'text',
  Status: 'text',
  MessageCount: 'number',
  LastError: 'text',
  LastRetryTime: 'date',
  NextRetryTime: 'date',
  DeferredMessageCount: 'number',
  RetryCount: 'number',
  NextHopCategory: 'text',
  Connections: 'number',
} as const satisfies FilterProperties;

type QueueRecord = Readonly<Record<keyof typeof QUEUE_PROPERTIES, OutputValue>>;

/** What a queue goes by: the last part of its identity, and its NextHopDomain. */
export interface QueueName {
  readonly name: string;
  readonly nextHopDomain: string;
}

/** What was accepted and is in no other queue yet. */
export const SUBMISSION: QueueName = { name: 'Submission', nextHopDomain: 'Submission' };
/** What is not tried any more. */
export const POISON: QueueName = { name: 'Poison', nextHopDomain: 'Poison Message' };
const UNREACHABLE = 'Unreachable';

/** The names of a hop's queue. */
export function nameQueue({ hop, id }: HopQueue): QueueName {
  return { name: hop.kind === 'unreachable' ? UNREACHABLE : String(id), nextHopDomain: hop.nextHopDomain };
}

/** `HUB01\3`. */
export function formatQueueIdentity(config: Config, name: string): string {
  return `${config.netbiosName}\\${name}`;
}

/** The queues in the order of their identities, Unreachable last. */
export function listQueues({ queue }: ServerContext): readonly HopQueue[] {
  const rank = ({ hop, id }: HopQueue): number => (hop.kind === 'unreachable' ? Number.POSITIVE_INFINITY : id);
  return queue.queues().toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

/** The `| fl` list of a queue. */
export function describeQueue(config: Config, queue: HopQueue): OutputRecord {
  const { hop } = queue;
  const record: QueueRecord = {
    Identity: formatQueueIdentity(config, nameQueue(queue).name),
    DeliveryType: hop.deliveryType,
    NextHopDomain: hop.nextHopDomain,
    TlsDomain: null,
    TlsDemand: hop.demand ?? null,
    NextHopConnector: hop.connector,
    Status: queue.status,
    MessageCount: queue.messageCount,
    LastError: explainWait(queue) ?? null,
    LastRetryTime: queue.lastRetryTime ?? null,
    NextRetryTime: queue.nextRetryTime ?? null,
    DeferredMessageCount: countDeferred(queue),
    RetryCount: queue.failures,
    NextHopCategory: hop.kind === 'smart-host' || hop.kind === 'dns' ? 'External' : 'Internal',
    Connections: queue.connections,
  };
  return record;
}

/** Why the queue as a whole waits, if it does. */
export function explainWait({ hop, lastError }: HopQueue): string | undefined {
  return lastError ?? (hop.kind === 'unreachable' ? hop.lastError : undefined);
}

/** Messages that wait because an attempt at them, or at their hop, has failed. */
function countDeferred({ waiting }: HopQueue): number {
  let count = 0;
  for (const { hasWaited } of waiting) if (hasWaited) count += 1;
  return count;
}

/** The same list for Submission. */
export function describeSubmission(config: Config, messageCount: number): OutputRecord {
  return describeOwnQueue(config, { ...SUBMISSION, status: 'Ready', messageCount });
}

/** The same list for Poison, which nothing leaves by itself. */
export function describePoison(config: Config, messageCount: number): OutputRecord {
  return describeOwnQueue(config, { ...POISON, status: 'Suspended', messageCount });
}

function describeOwnQueue(
  config: Config,
  { name, nextHopDomain, status, messageCount }: QueueName & { status: string; messageCount: number },
): OutputRecord {
  const record: QueueRecord = {
    Identity: formatQueueIdentity(config, name),
    DeliveryType: 'Undefined',
    NextHopDomain: nextHopDomain,
    TlsDomain: null,
    TlsDemand: null,
    NextHopConnector: null,
    Status: status,
    MessageCount: messageCount,
    LastError: null,
    LastRetryTime: null,
    NextRetryTime: null,
    DeferredMessageCount: 0,
    RetryCount: 0,
    NextHopCategory: 'Internal',
    Connections: 0,
  };
  return record;
}

/** The ids of the messages that are in a queue, Poison included, and how many more the spool holds. */
export async function countSubmission({
  queue,
  spool,
}: ServerContext): Promise<{ queuedIds: ReadonlySet<number>; count: number }> {
  const [{ messages, elsewhere = 0 }, poison] = await Promise.all([spool.count(), spool.listPoison()]);
  const queuedIds = new Set(poison.map(({ id }) => id));
  for (const each of queue.queues()) {
    for (const { id } of each.tickets()) queuedIds.add(id);
  }
  // A message that was delivered while the spool counted is still counted there, or already gone from here.
  return { queuedIds, count: Math.max(0, messages - elsewhere - queuedIds.size) };
}

/** How many messages are in Poison. */
export async function countPoison({ spool }: ServerContext): Promise<number> {
  const { damaged, poison } = await spool.count();
  return damaged + poison;
}

/** Whether `identity` (`HUB01\3`, `3` or a NextHopDomain, any letter case) names the queue with this name. */
export function isQueueNamed(config: Config, identity: string, queue: QueueName): boolean {
  const names = [queue.name, queue.nextHopDomain].map((name) => name.toLowerCase());
  return names.includes(identity.toLowerCase()) || names.includes(withoutServer(config, identity).toLowerCase());
}

/** What follows `HUB01\`; the whole when it does not begin with this server's name. */
export function withoutServer(config: Config, identity: string): string {
  const end = identity.indexOf('\\');
  return end > 0 && isOwnName(config, identity.slice(0, end)) ? identity.slice(end + 1) : identity;
}

export function queueNotFound(config: Config, identity: string): Problem {
  return new Problem(
    'queue-not-found',
    `there is no queue "${identity}" on ${config.netbiosName}; Get-Queue lists them`,
  );
}
