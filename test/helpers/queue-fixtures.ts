// Queues and messages as Get-Queue and Get-Message meet them, without a server that fills them.

import type { ServerContext } from '../../src/cmdlets/server-context.ts';
import type { DamagedMessage, ListOptions, Spool, SpooledMessage } from '../../src/spool/spool.ts';
import type { Hop } from '../../src/transport/hop.ts';
import type { Delivery, Ticket } from '../../src/transport/delivery.ts';
import { HopQueue } from '../../src/transport/hop-queue.ts';
import type { MailQueue } from '../../src/transport/queue.ts';
import { makeContext } from './cmdlet-context.ts';
import { makeEnvelope } from './spool-fixtures.ts';

export const TO_EDGE = {
  kind: 'pair',
  key: 'edge:1',
  deliveryType: 'SmtpRelayWithinAdSiteToEdge',
  nextHopDomain: 'EdgeSync - Site to Internet',
  connector: 'Intra-Organization SMTP Send Connector',
  peers: [],
  stance: 'opportunistic',
  port: 25,
} as unknown as Hop;

export const TO_MAILBOX: Hop = {
  kind: 'mailbox',
  key: 'mailbox:smtp:127.0.0.1:2527',
  deliveryType: 'SmtpDeliveryToMailbox',
  nextHopDomain: '127.0.0.1:2527',
  connector: 'Mailbox delivery',
  target: { kind: 'smtp', host: '127.0.0.1', port: 2527 },
};

export const NOWHERE: Hop = {
  kind: 'unreachable',
  key: 'unreachable',
  deliveryType: 'Unreachable',
  nextHopDomain: 'Unreachable Domain',
  connector: '',
  lastError: 'A matching connector cannot be found to route the recipient',
};

/** A message of two recipients, anna and bob. */
export function makeMessage(id: number, changes: Partial<SpooledMessage> = {}): SpooledMessage {
  const envelope = makeEnvelope({ messageId: `<${id}@example.com>`, subject: `number ${id}` });
  return {
    id,
    envelope,
    traceFields: Buffer.alloc(0),
    bodySizeBytes: 1000 + id,
    recipients: ['anna@contoso.test', 'bob@contoso.test'].map((address) => ({
      address,
      status: 'pending',
      delayNotified: false,
    })),
    attempts: 0,
    nextAttemptAt: envelope.receivedAt,
    suspended: false,
    poison: false,
    ...changes,
  };
}

export function makeDelivery(message: SpooledMessage, changes: Partial<Delivery> = {}): Delivery {
  return { message, indexes: [0], attempts: 0, ...changes };
}

const messages = new WeakMap<Ticket, SpooledMessage>();

/** A ticket for a message that `contextOf` finds again. */
export function makeTicket(message: SpooledMessage, changes: Partial<Ticket> = {}): Ticket {
  const ticket = {
    id: message.id,
    indexes: [0],
    dueMs: 0,
    expiresMs: Number.POSITIVE_INFINITY,
    noticeMs: Number.POSITIVE_INFINITY,
    hasWaited: false,
    lastError: undefined,
    attempts: 0,
    suspended: false,
    removal: undefined,
    order: 0,
    position: 0,
    ...changes,
  };
  messages.set(ticket, message);
  return ticket;
}

export function makeQueue(id: number, hop: Hop, ...waiting: Ticket[]): HopQueue {
  const queue = new HopQueue(id, hop);
  for (const ticket of waiting) queue.waiting.push(ticket);
  return queue;
}

/** HUB01 with these queues; its spool holds their messages, the `unclaimed`, and the `damaged`. */
export function contextOf(
  queues: readonly HopQueue[],
  unclaimed: readonly SpooledMessage[] = [],
  damaged: readonly DamagedMessage[] = [],
): ServerContext {
  const queued = queues.flatMap((queue) => [...queue.tickets()].flatMap((ticket) => messages.get(ticket) ?? []));
  const stored = [...new Map([...queued, ...unclaimed].map((message) => [message.id, message])).values()];
  stored.sort((a, b) => a.id - b.id);
  const poison = stored.filter((message) => message.poison);
  const spool: Pick<Spool, 'count' | 'get' | 'list' | 'listDamaged' | 'listPoison'> = {
    count: () => Promise.resolve({ messages: stored.length, bytes: 0, damaged: damaged.length, poison: poison.length }),
    get: (id) => Promise.resolve(stored.find((message) => message.id === id)),
    listPoison: () => Promise.resolve(poison),
    listDamaged: () => Promise.resolve([...damaged]),
    list: ({ afterId = 0, limit }: ListOptions) =>
      Promise.resolve(stored.filter(({ id }) => id > afterId).slice(0, limit)),
  };
  const queue: Pick<MailQueue, 'queues'> = { queues: () => queues };
  return makeContext({ spool: spool as Spool, queue: queue as MailQueue });
}
