// What of transport is told when somebody reads the metrics: connections, queues, what is set aside. Labels are closed lists;
// a queue's name is none.

import type { Clock } from './clock.ts';
import type { OpenListener } from './listeners.ts';
import type { Spool } from './spool/spool.ts';
import type { Metrics, Reading } from './tracking/metrics.ts';
import { type HopQueue, QUEUE_STATUSES } from './transport/hop-queue.ts';
import type { MailQueue } from './transport/queue.ts';

interface MailParts {
  readonly clock: Clock;
  readonly spool: Spool;
  readonly queue: MailQueue;
  readonly listeners: readonly OpenListener[];
  readonly openConnections: () => number;
  /** How long a message may wait in all. */
  readonly expirationMs: () => number;
}

/** Adds the gauges of transport. */
export function addMailGauges(metrics: Metrics, parts: MailParts): void {
  const { clock, spool, queue, listeners } = parts;
  metrics.gauge({
    name: 'connections',
    help: 'SMTP connections that are open now, from clients (in) and to next hops (out)',
    labels: ['direction'],
    read: () => [
      { labels: { direction: 'in' }, value: parts.openConnections() },
      { labels: { direction: 'out' }, value: sum(queue.queues(), ({ connections }) => connections) },
    ],
  });
  metrics.counter({
    name: 'connections_taken',
    help: 'SMTP connections from clients since the start, by the service that they came to',
    labels: ['service'],
    read: () =>
      sumBy(
        listeners,
        ({ service }) => ({ service }),
        ({ door }) => door.taken,
      ),
  });
  metrics.gauge({
    name: 'queue_messages',
    help: 'Messages that wait or are under way, by the status of their queue',
    labels: ['status'],
    read: () => sumByStatus(queue.queues(), ({ messageCount }) => messageCount),
  });
  metrics.gauge({
    name: 'queues',
    help: 'Queues, one for each next hop, by their status',
    labels: ['status'],
    read: () => sumByStatus(queue.queues(), () => 1),
  });
  metrics.gauge({
    name: 'queue_oldest_seconds',
    help: 'How long the message that has waited longest is here; 0 when none waits',
    read: () => [{ value: oldestMs(queue.queues(), clock.elapsedMs(), parts.expirationMs()) / 1000 }],
  });
  metrics.gauge({
    name: 'spool_messages',
    help: 'Messages in the spool, those that are set aside as damaged apart',
    labels: ['state'],
    read: async () => {
      const { messages, damaged } = await spool.count();
      return [
        { labels: { state: 'good' }, value: messages },
        { labels: { state: 'damaged' }, value: damaged },
      ];
    },
  });
  metrics.gauge({
    name: 'poison_messages',
    help: 'Messages that are not tried any more until somebody decides',
    read: async () => [{ value: (await spool.count()).poison }],
  });
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** Of every status, 0 where no queue has it: a series that comes and goes can be neither drawn nor alerted on. */
function sumByStatus(queues: readonly HopQueue[], of: (queue: HopQueue) => number): readonly Reading[] {
  const groups = Map.groupBy(queues, ({ status }) => status);
  return QUEUE_STATUSES.map((status) => ({ labels: { status }, value: sum(groups.get(status) ?? [], of) }));
}

function sumBy<Item>(
  items: readonly Item[],
  labelsOf: (item: Item) => Readonly<Record<string, string>>,
  of: (item: Item) => number,
): readonly Reading[] {
  const groups = Map.groupBy(items, (item) => JSON.stringify(labelsOf(item)));
  return [...groups].map(([labels, group]) => ({
    labels: JSON.parse(labels) as Record<string, string>,
    value: sum(group, of),
  }));
}

/** A ticket knows when its message is returned; it has been here for what is gone of that time. */
function oldestMs(queues: readonly HopQueue[], nowMs: number, expirationMs: number): number {
  let oldest = 0;
  for (const queue of queues) {
    for (const { expiresMs } of queue.tickets()) oldest = Math.max(oldest, expirationMs - (expiresMs - nowMs));
  }
  return oldest;
}
