// The order of attempts. Claims what the spool holds, sorts it into one queue for each hop, and keeps a bounded number of
// connections busy for each, so that a slow or dead hop holds up nobody else. What became of a recipient goes to
// settlement.ts, which alone turns it into spool state.

import { randomUUID } from 'node:crypto';
import type { Cancel, Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { Spool, SpooledMessage } from '../spool/spool.ts';
import type { Hop, HopConnection, OpenedHop } from './hop.ts';
import { type Delivery, HopQueue } from './hop-queue.ts';
import { isExpired, queueRetryDelay, type RetrySettings } from './retry.ts';
import type { Settlement } from './settlement.ts';

export interface QueueOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  readonly retry: RetrySettings;
  readonly maxConnectionsPerHop: number;
  /** Messages over one connection before a new one is made. */
  readonly maxMessagesPerConnection: number;
  readonly route: (address: string) => Hop;
  readonly open: (hop: Hop, hasWaited: boolean) => Promise<OpenedHop>;
  readonly settlement: Settlement;
}

const CLAIM_LIMIT = 500;
const LEASE_MS = 10 * 60_000;
/** An emptied queue stays visible for three minutes (exchange: QueueMaxIdleTime). */
const MAX_IDLE_MS = 3 * 60_000;

export class MailQueue {
  readonly #options: QueueOptions;
  readonly #owner = randomUUID();
  readonly #queues = new Map<string, HopQueue>();
  readonly #workers = new Set<Promise<void>>();
  /** Deliveries that are still open, by message id; the last one to end lets go of the message. */
  readonly #open = new Map<number, number>();
  #cancelArrival: Cancel | undefined;
  #cancelTimer: Cancel | undefined;
  #claiming: Promise<void> | undefined;
  #isMore = false;
  #isStopped = false;
  #nextId = 1;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Takes up what the spool holds from before, and everything that arrives from now on. */
  start(): void {
    this.#cancelArrival = this.#options.spool.onArrival(() => this.#claimSoon());
    this.#claimSoon();
  }

  /** Starts nothing new and waits for what is under way, at most `drainMs` of real time. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopped = true;
    this.#cancelArrival?.();
    this.#cancelTimer?.();
    const limit = new Promise<void>((resolve) => {
      setTimeout(resolve, drainMs).unref();
    });
    await Promise.race([Promise.all([this.#claiming, ...this.#workers]), limit]);
  }

  queues(): readonly HopQueue[] {
    return [...this.#queues.values()];
  }

  /** Tries at once what waits in the queues that `matches` names; returns how many there were. */
  retryNow(matches: (queue: HopQueue) => boolean): number {
    const chosen = this.queues().filter((queue) => matches(queue) && queue.messageCount > 0);
    for (const queue of chosen) this.#endRetry(queue);
    return chosen.length;
  }

  /** The directory changed: routes are asked again and whoever waited may try at once. */
  resubmit(): void {
    const stranded = this.queues().flatMap((queue) => queue.waiting.splice(0));
    for (const delivery of stranded) this.#route(delivery.message, delivery.indexes, delivery);
    for (const queue of this.queues()) this.#endRetry(queue);
  }

  #endRetry(queue: HopQueue): void {
    queue.retryAtMs = undefined;
    queue.nextRetryTime = undefined;
    for (const delivery of queue.waiting) delivery.dueMs = Math.min(delivery.dueMs, this.#options.clock.elapsedMs());
    this.#kick(queue);
  }

  #claimSoon(): void {
    this.#isMore = true;
    if (this.#claiming || this.#isStopped) return;
    this.#claiming = this.#claimAll()
      .catch((error: unknown) => {
        this.#options.log.error({ error: messageOf(error) }, 'the spool could not be read; trying again');
        this.#options.clock.schedule(1000, () => this.#claimSoon());
      })
      .finally(() => {
        this.#claiming = undefined;
        if (this.#isMore) this.#claimSoon();
      });
  }

  async #claimAll(): Promise<void> {
    while (this.#isMore && !this.#isStopped) {
      this.#isMore = false;
      const messages = await this.#options.spool.claim({ owner: this.#owner, limit: CLAIM_LIMIT, leaseMs: LEASE_MS });
      for (const message of messages) this.#enqueue(message);
      if (messages.length === CLAIM_LIMIT) this.#isMore = true;
    }
  }

  #enqueue(message: SpooledMessage): void {
    const pending = message.recipients.flatMap((recipient, index) => (recipient.status === 'pending' ? [index] : []));
    this.#route(message, pending);
  }

  /** Sorts recipients by hop: one delivery for each. */
  #route(message: SpooledMessage, indexes: readonly number[], from?: Delivery): void {
    const groups = new Map<string, { hop: Hop; indexes: number[] }>();
    for (const index of indexes) {
      const hop = this.#options.route(message.recipients[index]?.address ?? '');
      const group = groups.get(hop.key) ?? { hop, indexes: [] };
      group.indexes.push(index);
      groups.set(hop.key, group);
    }
    const before = from ? (this.#open.get(message.id) ?? 1) - 1 : (this.#open.get(message.id) ?? 0);
    this.#open.set(message.id, before + groups.size);
    for (const group of groups.values()) this.#join(group.hop, message, group.indexes, from);
  }

  #join(hop: Hop, message: SpooledMessage, indexes: readonly number[], from?: Delivery): void {
    const queue = this.#queueFor(hop);
    const first = message.recipients[indexes[0] ?? 0];
    queue.waiting.push({
      message,
      indexes,
      dueMs:
        from?.dueMs ??
        this.#options.clock.elapsedMs() +
          Math.max(0, message.nextAttemptAt.getTime() - this.#options.clock.now().getTime()),
      hasWaited: from?.hasWaited ?? message.attempts > 0,
      attempts: from?.attempts ?? message.attempts,
      lastError: from?.lastError ?? first?.lastError,
    });
    this.#kick(queue);
  }

  #queueFor(hop: Hop): HopQueue {
    const found = this.#queues.get(hop.key);
    if (found) {
      found.hop = hop;
      return found;
    }
    const made = new HopQueue(this.#nextId++, hop);
    this.#queues.set(hop.key, made);
    return made;
  }

  /** Starts as many workers as are useful now; sets the timer for what is due later. */
  #kick(queue: HopQueue): void {
    if (this.#isStopped) return;
    const nowMs = this.#options.clock.elapsedMs();
    const mayTry = queue.retryAtMs === undefined || queue.retryAtMs <= nowMs;
    const { maxConnectionsPerHop } = this.#options;
    // While a hop has failed, one connection probes it; the others come when it answers.
    const limit = queue.failures > 0 ? 1 : maxConnectionsPerHop;
    while (mayTry && queue.hasDue(nowMs) && queue.connections < limit && queue.waiting.length > queue.connections * 2)
      this.#startWorker(queue);
    this.#setTimer();
  }

  #setTimer(): void {
    this.#cancelTimer?.();
    const nowMs = this.#options.clock.elapsedMs();
    const times = this.queues().flatMap((queue) => {
      const dueMs = queue.nextDueMs();
      return dueMs === undefined || queue.connections > 0 ? [] : [Math.max(dueMs, queue.retryAtMs ?? 0)];
    });
    if (times.length === 0 || this.#isStopped) return;
    this.#cancelTimer = this.#options.clock.schedule(Math.max(1, Math.min(...times) - nowMs), () => this.#kickAll());
  }

  #kickAll(): void {
    const nowMs = this.#options.clock.elapsedMs();
    for (const [key, queue] of this.#queues) {
      if (queue.messageCount > 0) this.#kick(queue);
      else if (queue.idleSinceMs !== undefined && nowMs - queue.idleSinceMs > MAX_IDLE_MS) this.#queues.delete(key);
    }
    this.#setTimer();
  }

  #startWorker(queue: HopQueue): void {
    queue.connections++;
    const worker = this.#work(queue)
      .catch((error: unknown) =>
        this.#options.log.error({ error: messageOf(error), stack: (error as Error).stack }, 'a delivery worker failed'),
      )
      .finally(() => {
        queue.connections--;
        queue.idleSinceMs = queue.messageCount === 0 ? this.#options.clock.elapsedMs() : undefined;
        this.#workers.delete(worker);
        this.#kick(queue);
      });
    this.#workers.add(worker);
  }

  /** One connection's life: open, hand over what is due, close. */
  async #work(queue: HopQueue): Promise<void> {
    const head = queue.take(this.#options.clock.elapsedMs(), false);
    if (!head) return;
    if (await this.#expire(queue, head)) return;
    const opened = await this.#open_(queue, head);
    if (opened.kind === 'deferred') return this.#deferQueue(queue, head, opened);
    this.#recover(queue);
    const { connection } = opened;
    try {
      await this.#handOver(queue, head, connection);
    } finally {
      await connection.close();
    }
  }

  async #open_(queue: HopQueue, head: Delivery): Promise<OpenedHop> {
    queue.connecting++;
    queue.lastRetryTime = this.#options.clock.now();
    try {
      return await this.#options.open(queue.hop, head.hasWaited);
    } finally {
      queue.connecting--;
    }
  }

  #recover(queue: HopQueue): void {
    queue.failures = 0;
    queue.retryAtMs = undefined;
    queue.nextRetryTime = undefined;
    queue.lastError = undefined;
    this.#kick(queue);
  }

  async #handOver(queue: HopQueue, head: Delivery, connection: HopConnection): Promise<void> {
    // A connection that only a waited message could get (plaintext after a cut handshake) carries no fresh message.
    const onlyWaited = head.hasWaited && connection.facts.reason === 'handshake-cut';
    let delivery: Delivery | undefined = head;
    for (let count = 1; delivery; count++) {
      await this.#deliver(queue, delivery, connection);
      const isUsable = connection.alive && count < this.#options.maxMessagesPerConnection && !this.#isStopped;
      delivery = isUsable ? queue.take(this.#options.clock.elapsedMs(), onlyWaited) : undefined;
      if (delivery && (await this.#expire(queue, delivery)))
        delivery = queue.take(this.#options.clock.elapsedMs(), onlyWaited);
    }
  }

  async #deliver(queue: HopQueue, delivery: Delivery, connection: HopConnection): Promise<void> {
    const { message, indexes } = delivery;
    const outcomes = await connection.deliver({
      message,
      indexes,
      openBody: () => this.#options.spool.openBody(message),
    });
    const nextAttemptAt = new Date(this.#options.clock.now().getTime() + this.#options.retry.messageInterval);
    const rest = await this.#options.settlement.record({
      delivery,
      facts: connection.facts,
      outcomes,
      nextAttemptAt,
      queueName: queue.hop.nextHopDomain,
    });
    queue.active.delete(delivery);
    if (!rest) return this.#end(message.id);
    const deferred = outcomes.find((outcome) => outcome.status === 'deferred');
    this.#comeBack(queue, delivery, rest, deferred?.reply, this.#options.retry.messageInterval);
  }

  /** A delivery that goes on waiting, with what is left of its recipients. */
  #comeBack(
    queue: HopQueue,
    delivery: Delivery,
    message: SpooledMessage,
    lastError: string | undefined,
    delayMs: number,
  ): void {
    const indexes = delivery.indexes.filter((index) => message.recipients[index]?.status === 'pending');
    if (indexes.length === 0) return this.#end(message.id);
    queue.waiting.push({
      message,
      indexes,
      dueMs: this.#options.clock.elapsedMs() + delayMs,
      hasWaited: true,
      attempts: delivery.attempts + 1,
      lastError,
    });
  }

  /** The hop could not be used: the message that found out is deferred, and everything behind it waits with the queue. */
  async #deferQueue(queue: HopQueue, head: Delivery, opened: Extract<OpenedHop, { kind: 'deferred' }>): Promise<void> {
    const { clock, retry, settlement } = this.#options;
    queue.failures++;
    const delayMs = queueRetryDelay(retry, queue.failures);
    const nextAttemptAt = new Date(clock.now().getTime() + delayMs);
    queue.lastError = opened.reply;
    const outcomes = head.indexes.map((index) => ({ index, status: 'deferred' as const, reply: opened.reply }));
    const rest = await settlement.record({
      delivery: head,
      facts: opened.facts,
      outcomes,
      nextAttemptAt,
      queueName: queue.hop.nextHopDomain,
    });
    queue.active.delete(head);
    // Measured from the end of the failed attempt, which may itself have taken minutes.
    queue.retryAtMs = clock.elapsedMs() + delayMs;
    queue.nextRetryTime = nextAttemptAt;
    for (const delivery of queue.waiting) delivery.hasWaited = true;
    if (rest) this.#comeBack(queue, head, rest, opened.reply, delayMs);
    else this.#end(head.message.id);
  }

  /** True when the message had run out of time and was returned to its sender. */
  async #expire(queue: HopQueue, delivery: Delivery): Promise<boolean> {
    const { clock, settlement } = this.#options;
    if (!isExpired(delivery.message.envelope.expiresAt, clock.now())) return false;
    await settlement.expire(delivery, queue.lastError ?? delivery.lastError, queue.hop);
    queue.active.delete(delivery);
    this.#end(delivery.message.id);
    return true;
  }

  #end(id: number): void {
    const open = (this.#open.get(id) ?? 1) - 1;
    if (open > 0) this.#open.set(id, open);
    else this.#open.delete(id);
  }
}
