// One connection's life: open the hop for the delivery that is due first, hand over what else is due, close. Every delivery
// that is taken leaves here by one door (#attempt), whatever is thrown on the way: settled, or waiting again.

import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { MessageHead, Spool, SpooledMessage } from '../spool/spool.ts';
import { ConnectionReuse } from './connection-reuse.ts';
import type { Delivery, RemovalWish, Taken, Ticket, TicketFacts } from './delivery.ts';
import { factsWithoutPeer, type Hop, type HopConnection, type OpenedHop, type RecipientOutcome } from './hop.ts';
import type { HopQueue } from './hop-queue.ts';
import type { MessageShelf } from './message-shelf.ts';
import { trustReasonOf } from './reporter.ts';
import { queueRetryDelay, type RetrySettings } from './retry.ts';
import type { Settlement, Waiting } from './settlement.ts';
import type { UnderWork } from './under-work.ts';

/** What may be set anew while the server runs. */
export interface QueueSettings {
  readonly retry: RetrySettings;
  readonly maxConnectionsPerHop: number;
  /** How long a connection with nothing to carry is kept, in milliseconds of real time; 0 closes it at once. */
  readonly idleTimeoutMs: number;
}

/** What the queue's runs share. */
export interface RunContext {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  /** Asked at each use. */
  readonly settings: () => QueueSettings;
  readonly settlement: Settlement;
  readonly shelf: MessageShelf;
  /** Must not throw. */
  readonly route: (message: Pick<MessageHead, 'recipients' | 'envelope'>, index: number) => Hop;
  readonly open: (hop: Hop, hasWaited: boolean) => Promise<OpenedHop>;
  /** Keeps account of the messages that are being worked on, for a start after a crash. */
  readonly underWork?: Pick<UnderWork, 'begin'>;
}

/** What the owner of the queue does for a run, and tells it. */
export interface RunOwner {
  /** True: what is under way is finished, nothing new begun. */
  readonly isStopping: boolean;
  /** Aborted: connections are cut off, and nothing is waited for any more. */
  readonly signal: AbortSignal;
  /** The hop answered: more connections may be of use. */
  answered(queue: HopQueue): void;
  /** A message goes on waiting: its recipients are sorted into queues again. */
  wait(message: SpooledMessage, facts: TicketFacts): void;
}

/** How a delivery goes on: nothing is left of it, or it waits for the next attempt. */
type Next =
  | { readonly kind: 'settled' }
  | {
      readonly kind: 'wait';
      readonly message: SpooledMessage;
      /** Why, where the spool does not know. */
      readonly unrecorded?: string;
      readonly delayMs: number;
    }
  /** It waits as if nobody had touched it. */
  | { readonly kind: 'stay'; readonly message: SpooledMessage };

type Deferral = Extract<OpenedHop, { kind: 'deferred' }>;

const INTERNAL_ERROR = '451 4.3.0 An internal error, see the log of this server';

export class ConnectionRun {
  /** Resolves when each delivery it took is settled or waits; does not reject. The last one may be under way when `run` resolves. */
  settled: Promise<void> = Promise.resolve();
  readonly #context: RunContext;
  readonly #queue: HopQueue;
  readonly #owner: RunOwner;

  constructor(context: RunContext, queue: HopQueue, owner: RunOwner) {
    this.#context = context;
    this.#queue = queue;
    this.#owner = owner;
  }

  /** Resolves when the connection is closed; does not reject. */
  async run(): Promise<void> {
    const head = await this.#next((queue, nowMs) => queue.takeHead(nowMs));
    if (!head || !this.#isStillRouted(head)) return;
    const { failureNumber } = this.#queue;
    const reuse = new ConnectionReuse(this.#queue, this.#context.clock);
    const opened = await this.#open(head.ticket);
    if (opened.kind === 'deferred') return this.#attempt(head, () => this.#deferHop(head, opened, failureNumber));
    reuse.begin(opened.connection.facts);
    await this.#use(opened.connection, head, reuse);
  }

  /** Returns a message whose time is up to its sender; its ticket is among the active ones. */
  async expire(ticket: Ticket): Promise<void> {
    const taken = await this.#load(ticket);
    if (taken) await this.#expire(taken);
  }

  /** Removes a message as its ticket, which is among the active ones, says. */
  async remove(ticket: Ticket): Promise<void> {
    const taken = await this.#load(ticket, true);
    if (taken) await this.#attempt(taken, () => this.#withdraw(taken.delivery, ticket.removal));
  }

  #expire(taken: Taken): Promise<void> {
    return this.#attempt(taken, async () => {
      await this.#context.settlement.expire(taken.delivery, this.#explainWait(taken));
      return { kind: 'settled' };
    });
  }

  /** Tells the sender of a message that has waited for long; its ticket is among the active ones, and waits on. */
  async notify(ticket: Ticket): Promise<void> {
    const taken = await this.#load(ticket);
    if (!taken) return;
    const { clock, settings } = this.#context;
    // Should it fail, it is tried again after a while.
    ticket.noticeMs = clock.elapsedMs() + settings().retry.messageInterval;
    await this.#attempt(taken, async () => {
      const rest = await this.#context.settlement.delay(taken.delivery, this.#explainWait(taken));
      ticket.noticeMs = Number.POSITIVE_INFINITY;
      return rest ? { kind: 'stay', message: rest } : { kind: 'settled' };
    });
  }

  #explainWait({ ticket, delivery: { message, indexes } }: Taken): Waiting {
    const { hop, lastError, lastReason: reason, lastRetryTime: lastAttemptAt } = this.#queue;
    const ownError = ticket.lastError ?? message.recipients[indexes[0] ?? 0]?.lastError;
    return { lastError: ownError ?? lastError, reason, lastAttemptAt, hop, signal: this.#owner.signal };
  }

  async #attempt(taken: Taken, attempt: () => Promise<Next>): Promise<void> {
    const { ticket, delivery } = taken;
    const work = this.#context.underWork?.begin(ticket.id);
    let next = await this.#guard(delivery, attempt);
    const rest = this.#restOf(delivery, next);
    if (rest && ticket.removal) next = await this.#guard(rest, () => this.#withdraw(rest, ticket.removal));
    work?.end(next.kind !== 'settled');
    this.#queue.active.delete(ticket);
    if (next.kind !== 'settled') this.#wait(taken, next);
  }

  async #guard({ message }: Delivery, attempt: () => Promise<Next>): Promise<Next> {
    try {
      return await attempt();
    } catch (error) {
      // Nothing was recorded: what the spool has is still true, and it is tried again.
      const { log, settings } = this.#context;
      log.error({ internalMessageId: message.id, ...describe(error) }, 'a delivery attempt failed');
      return { kind: 'wait', message, unrecorded: INTERNAL_ERROR, delayMs: settings().retry.messageInterval };
    }
  }

  /** What of a delivery goes on waiting; undefined when nothing does. */
  #restOf(delivery: Delivery, next: Next): Delivery | undefined {
    if (next.kind === 'settled') return undefined;
    const indexes = delivery.indexes.filter((index) => next.message.recipients[index]?.status === 'pending');
    return indexes.length === 0 ? undefined : { ...delivery, message: next.message, indexes };
  }

  async #withdraw(delivery: Delivery, wish: RemovalWish | undefined): Promise<Next> {
    const { hop } = this.#queue;
    await this.#context.settlement.remove(delivery, { reason: wish?.reason, hop, signal: this.#owner.signal });
    return { kind: 'settled' };
  }

  #wait({ ticket, delivery }: Taken, next: Exclude<Next, { kind: 'settled' }>): void {
    const rest = this.#restOf(delivery, next);
    if (!rest) return;
    const { message, indexes } = rest;
    const facts = { ...ticket, indexes, suspended: ticket.suspended || message.suspended };
    if (next.kind === 'stay') return this.#owner.wait(message, facts);
    this.#owner.wait(message, {
      ...facts,
      dueMs: this.#context.clock.elapsedMs() + next.delayMs,
      hasWaited: true,
      attempts: ticket.attempts + 1,
      lastError: next.unrecorded,
    });
  }

  /** The next delivery that has time left; those that have none are returned on the way. */
  async #next(take: (queue: HopQueue, nowMs: number) => Ticket | undefined): Promise<Taken | undefined> {
    const { clock } = this.#context;
    for (;;) {
      const ticket = this.#owner.isStopping ? undefined : take(this.#queue, clock.elapsedMs());
      if (!ticket) return undefined;
      const taken = await this.#load(ticket);
      if (taken && ticket.expiresMs > clock.elapsedMs()) return taken;
      if (taken) await this.#expire(taken);
    }
  }

  /** What the ticket stands for; undefined when that has gone, was damaged, or cannot be read now. */
  async #load(ticket: Ticket, evenSuspended = false): Promise<Taken | undefined> {
    const { active, held, waiting } = this.#queue;
    try {
      const message = await this.#context.shelf.take(ticket.id);
      const indexes = ticket.indexes.filter((index) => message?.recipients[index]?.status === 'pending');
      if (message && indexes.length > 0 && (evenSuspended || !message.suspended)) {
        return { ticket, delivery: { message, indexes, attempts: ticket.attempts } };
      }
      active.delete(ticket);
      if (message?.suspended && indexes.length > 0) {
        ticket.suspended = true;
        held.add(ticket);
      }
    } catch (error) {
      const { clock, log, settings } = this.#context;
      log.error({ internalMessageId: ticket.id, ...describe(error) }, 'a message cannot be read; trying again');
      active.delete(ticket);
      ticket.dueMs = clock.elapsedMs() + settings().retry.messageInterval;
      waiting.push(ticket);
    }
    return undefined;
  }

  async #open(head: Ticket): Promise<OpenedHop> {
    const queue = this.#queue;
    const { clock, log, open } = this.#context;
    queue.connecting++;
    queue.lastRetryTime = clock.now();
    try {
      return await open(queue.hop, head.hasWaited);
    } catch (error) {
      log.error({ hop: queue.hop.key, ...describe(error) }, 'a hop could not be opened');
      return { kind: 'deferred', facts: factsWithoutPeer(queue.hop), reply: INTERNAL_ERROR };
    } finally {
      queue.connecting--;
    }
  }

  /** The way may have changed without a word while the message waited: credentials come into force by the clock. */
  #isStillRouted({ ticket, delivery: { message, indexes } }: Taken): boolean {
    const hop = this.#context.route(message, indexes[0] ?? 0);
    if (hop.key === this.#queue.hop.key) {
      this.#queue.hop = hop;
      return true;
    }
    this.#queue.active.delete(ticket);
    this.#owner.wait(message, { ...ticket, indexes });
    return false;
  }

  async #use(connection: HopConnection, head: Taken, reuse: ConnectionReuse): Promise<void> {
    const queue = this.#queue;
    const cutOff = (): void => connection.destroy();
    this.#owner.signal.addEventListener('abort', cutOff);
    queue.connected++;
    queue.recover();
    this.#owner.answered(queue);
    try {
      await this.#handOver(connection, head, reuse);
      await connection.close();
    } catch (error) {
      this.#context.log.error({ hop: queue.hop.key, ...describe(error) }, 'a connection failed');
      connection.destroy();
    } finally {
      queue.connected--;
      this.#owner.signal.removeEventListener('abort', cutOff);
    }
  }

  async #handOver(connection: HopConnection, head: Taken, reuse: ConnectionReuse): Promise<void> {
    // A connection that only a waited message could get (in clear after a cut handshake) carries no fresh message.
    const onlyWaited = head.ticket.hasWaited && connection.facts.reason === 'handshake-cut';
    const take = (queue: HopQueue, nowMs: number): Ticket | undefined => queue.take(nowMs, onlyWaited);
    let taken: Taken | undefined = head;
    // What has become of a message is written down while the next one is on its way: of one at a time. After the last one nobody
    // waits for that: the next message may need another connection in place of this one.
    while (taken) {
      reuse.noteMessage();
      const [before, sent] = [this.settled, Promise.withResolvers<void>()];
      const { delivery }: Taken = taken;
      this.settled = this.#attempt(taken, () => this.#deliver(connection, delivery, sent.resolve));
      await Promise.race([sent.promise, this.settled]);
      await before;
      if (reuse.isOver || !connection.alive) return;
      taken = (await this.#next(take)) ?? (onlyWaited ? undefined : await this.#idle(connection, reuse));
    }
  }

  /** Keeps the connection for a while; the message it then carries, if one comes. */
  async #idle(connection: HopConnection, reuse: ConnectionReuse): Promise<Taken | undefined> {
    while (!this.#owner.isStopping && (await this.#queue.idle.wait(this.#context.settings().idleTimeoutMs))) {
      // Closed by the peer meanwhile: another connection is opened for what waits.
      if (reuse.isOver || !connection.alive) return undefined;
      const taken = await this.#next((queue, nowMs) => queue.take(nowMs, false));
      if (taken) return this.#isStillRouted(taken) ? taken : undefined;
    }
    return undefined;
  }

  async #deliver(connection: HopConnection, delivery: Delivery, noteSent: () => void): Promise<Next> {
    const { spool, settlement, clock, settings } = this.#context;
    const { messageInterval } = settings().retry;
    const { message, indexes } = delivery;
    const outcomes = await connection.deliver({ message, indexes, openBody: () => spool.openBody(message) });
    noteSent();
    const attempt = {
      delivery,
      facts: connection.facts,
      outcomes,
      nextAttemptAt: new Date(clock.now().getTime() + messageInterval),
      queueName: this.#queue.hop.nextHopDomain,
    };
    const rest = await settlement.record(attempt, this.#owner.signal);
    return rest ? { kind: 'wait', message: rest, delayMs: messageInterval } : { kind: 'settled' };
  }

  /** No connection: the message that found out is deferred, and everything behind it waits with the queue. */
  async #deferHop({ delivery }: Taken, { facts, reply }: Deferral, failureNumber: number): Promise<Next> {
    const { clock, settlement } = this.#context;
    const delayMs = this.#noteDeferral({ facts, reply }, failureNumber);
    const nextAttemptAt = new Date(clock.now().getTime() + delayMs);
    const outcomes = delivery.indexes.map((index): RecipientOutcome => ({ index, status: 'deferred', reply }));
    const attempt = { delivery, facts, outcomes, nextAttemptAt, queueName: this.#queue.hop.nextHopDomain };
    const rest = await settlement.record(attempt, this.#owner.signal);
    return rest ? { kind: 'wait', message: rest, delayMs } : { kind: 'settled' };
  }

  /** What the deferral means for the queue; returns how long its message waits. */
  #noteDeferral({ facts, reply }: Pick<Deferral, 'facts' | 'reply'>, failureNumber: number): number {
    const queue = this.#queue;
    const { clock, settings } = this.#context;
    if (queue.connected > 0) {
      // Others work: the hop is well and only takes no more connections.
      queue.limitConnections(clock.elapsedMs());
      return settings().retry.messageInterval;
    }
    const delayMs = queueRetryDelay(settings().retry, queue.fail(failureNumber));
    queue.lastError = reply;
    queue.lastReason = trustReasonOf(facts);
    // Measured from the end of the failed attempt, which may itself have taken minutes.
    queue.retryAtMs = clock.elapsedMs() + delayMs;
    queue.nextRetryTime = new Date(clock.now().getTime() + delayMs);
    return delayMs;
  }
}

function describe(error: unknown): { error: string; stack: string | undefined } {
  return { error: messageOf(error), stack: error instanceof Error ? error.stack : undefined };
}
