// Which message is in which queue, as Get-Message and Export-Message find them. The queues know ids and recipients, the spool
// knows the rest: a place is looked up one by one, so that a spool of any size is listed without holding it.

import { setImmediate as letOthersRun } from 'node:timers/promises';
import { Problem } from '../problem.ts';
import type { DamagedMessage, SpooledMessage } from '../spool/spool.ts';
import type { Ticket } from '../transport/delivery.ts';
import type { HopQueue } from '../transport/hop-queue.ts';
import {
  countSubmission,
  explainWait,
  isQueueNamed,
  listQueues,
  nameQueue,
  POISON,
  type QueueName,
  queueNotFound,
  SUBMISSION,
  withoutServer,
} from './queue-record.ts';
import type { ServerContext } from './server-context.ts';

/** A message in one queue. One whose recipients go to several hops is in several queues, with one id in all of them. */
export interface Place {
  readonly queue: QueueName;
  /** The queue itself; absent where it is no hop's. */
  readonly hopQueue?: HopQueue;
  readonly id: number;
  /** Those of its recipients that go to this queue; all that are pending when absent. */
  readonly indexes?: readonly number[];
  readonly status: 'Active' | 'PendingRemove' | 'PendingSuspend' | 'Ready' | 'Retry' | 'Suspended';
  /** Its own, where the spool has not been told. */
  readonly lastError: string | undefined;
  /** Why the queue as a whole waits. */
  readonly queueError?: string | undefined;
  /** Attempts so far; the spool's number when absent. */
  readonly attempts?: number;
  /** Where the spool has been asked already. */
  readonly message?: SpooledMessage;
  /** Set aside by the spool: there may be no more of it than this. */
  readonly damaged?: DamagedMessage;
}

/** Which places are meant; what is absent leaves the choice open. */
export interface PlaceChoice {
  /** `HUB01\3\17`, `3\17`, or `17` for all queues. */
  readonly identity?: string | undefined;
  /** A queue, named as for Get-Queue. */
  readonly queue?: string | undefined;
}

/** The places meant, in the order of the queues; throws Problem `queue-not-found` or `message-not-found`. */
export async function* findPlaces(context: ServerContext, choice: PlaceChoice): AsyncGenerator<Place> {
  const isMeant = await compileChoice(context, choice);
  let found = 0;
  for await (const place of listPlaces(context, (queue) => isMeant.queue(queue))) {
    if (!isMeant.id(place.id)) continue;
    found += 1;
    yield place;
  }
  if (choice.identity === undefined || found > 0) return;
  throw new Problem(
    'message-not-found',
    `there is no message "${choice.identity}" in the queues of ${context.config.netbiosName}`,
  );
}

interface MeantPlaces {
  queue(queue: QueueName): boolean;
  id(id: number): boolean;
}

async function compileChoice(context: ServerContext, { identity, queue }: PlaceChoice): Promise<MeantPlaces> {
  const { config } = context;
  if (queue !== undefined) await refuseUnknownQueue(context, queue);
  const rest = identity === undefined ? '*' : withoutServer(config, identity);
  const end = rest.lastIndexOf('\\');
  const inQueue = end < 0 ? '*' : rest.slice(0, end);
  const id = rest.slice(end + 1);
  return {
    queue: (name) =>
      (queue === undefined || isQueueNamed(config, queue, name)) &&
      (inQueue === '*' || isQueueNamed(config, inQueue, name)),
    id: (found) => identity === undefined || String(found) === id,
  };
}

async function refuseUnknownQueue(context: ServerContext, identity: string): Promise<void> {
  const { config } = context;
  const names = [...listQueues(context).map(nameQueue), SUBMISSION, POISON];
  if (!names.some((queue) => isQueueNamed(config, identity, queue))) throw queueNotFound(config, identity);
}

async function* listPlaces(context: ServerContext, isMeant: (queue: QueueName) => boolean): AsyncGenerator<Place> {
  for (const queue of listQueues(context)) {
    const name = nameQueue(queue);
    if (isMeant(name)) yield* placesIn(queue, name);
  }
  if (isMeant(SUBMISSION)) yield* submissionPlaces(context);
  if (isMeant(POISON)) yield* poisonPlaces(context);
}

/** As they stand now, in the order in which they came to this server: what moves meanwhile is shown where it was. */
function placesIn(queue: HopQueue, name: QueueName): Place[] {
  const queueError = explainWait(queue);
  return [...queue.tickets()]
    .toSorted((a, b) => a.id - b.id)
    .map((ticket) => {
      const { id, indexes, lastError, attempts } = ticket;
      return {
        queue: name,
        hopQueue: queue,
        id,
        indexes,
        status: statusOf(queue, ticket),
        lastError,
        queueError,
        attempts,
      };
    });
}

function statusOf(queue: HopQueue, ticket: Ticket): Place['status'] {
  if (queue.active.has(ticket)) {
    if (ticket.removal) return 'PendingRemove';
    return ticket.suspended ? 'PendingSuspend' : 'Active';
  }
  if (ticket.suspended) return 'Suspended';
  return ticket.hasWaited ? 'Retry' : 'Ready';
}

const PAGE_SIZE = 500;

/** Pages through the spool only while something of it is missing in the queues. */
async function* submissionPlaces(context: ServerContext): AsyncGenerator<Place> {
  const { queuedIds, count } = await countSubmission(context);
  let left = count;
  let afterId = 0;
  while (left > 0) {
    const page = await context.spool.list({ afterId, limit: PAGE_SIZE, notElsewhere: true });
    for (const message of page) {
      if (queuedIds.has(message.id)) continue;
      left -= 1;
      yield submissionPlace(message);
    }
    if (page.length < PAGE_SIZE) return;
    afterId = page.at(-1)?.id ?? afterId;
    await letOthersRun();
  }
}

function submissionPlace(message: SpooledMessage): Place {
  const next = message.recipients.find(({ status }) => status === 'pending');
  return {
    queue: SUBMISSION,
    id: message.id,
    status: message.suspended ? 'Suspended' : 'Ready',
    lastError: next?.lastError,
    message,
  };
}

async function* poisonPlaces({ spool }: ServerContext): AsyncGenerator<Place> {
  for (const message of await spool.listPoison()) yield { ...submissionPlace(message), queue: POISON };
  for (const damaged of await spool.listDamaged()) {
    const { id, reason } = damaged;
    yield { queue: POISON, id, status: 'Suspended', lastError: `Set aside as damaged: ${reason}`, damaged };
  }
}
