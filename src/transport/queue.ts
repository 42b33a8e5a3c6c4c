// The order of attempts. Claims what the spool holds, sorts it into one queue for each hop, and keeps a bounded number of
// connections busy for each, so that a slow or dead hop holds up nobody else. What happens on a connection is
// connection-run.ts; what became of a recipient goes to settlement.ts, which alone turns it into spool state.

import { randomUUID } from 'node:crypto';
import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { Cancel } from '../clock.ts';
import { messageOf } from '../problem.ts';
import type { SpooledMessage } from '../spool/spool.ts';
import { ConnectionRun, type RunContext, type RunOwner } from './connection-run.ts';
import type { Delivery } from './delivery.ts';
import { type Hop, unreachableHop } from './hop.ts';
import { HopQueue } from './hop-queue.ts';
import { isExpired } from './retry.ts';

export interface QueueOptions extends RunContext {
  readonly maxConnectionsPerHop: number;
}

const CLAIM_LIMIT = 500;
const CLAIM_AGAIN_MS = 1000;
const LEASE_MS = 10 * 60_000;
/** An emptied queue stays visible for three minutes (exchange: QueueMaxIdleTime). */
const MAX_IDLE_MS = 3 * 60_000;
/** Expired messages are looked for when the first one expires, but not all the time, and at least so often. */
const MIN_SWEEP_MS = 1000;
const MAX_SWEEP_MS = 60_000;
/** So many are returned at a time: each report holds its returned part in memory. */
const RETURNS_AT_ONCE = 8;
/** After connections were cut off, what became of their messages is still written down. */
const CUT_OFF_MS = 2000;

export class MailQueue {
  readonly #options: QueueOptions;
  readonly #spoolOwner = randomUUID();
  readonly #runOwner: RunOwner;
  readonly #queues = new Map<string, HopQueue>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #cutOff = new AbortController();
  #cancelArrival: Cancel | undefined;
  #cancelRenewal: Cancel | undefined;
  #cancelClaim: Cancel | undefined;
  #cancelSweep: Cancel | undefined;
  #sweepAtMs = Number.POSITIVE_INFINITY;
  #isSweeping = false;
  #isClaiming = false;
  #isMore = false;
  #isStopped = false;
  #nextId = 1;

  constructor(options: QueueOptions) {
    this.#options = { ...options, route: (address) => routeSafely(options, address) };
    const isStopping = (): boolean => this.#isStopped;
    this.#runOwner = {
      get isStopping() {
        return isStopping();
      },
      signal: this.#cutOff.signal,
      answered: (queue) => this.#kick(queue),
      wait: (delivery) => {
        for (const queue of this.#sort(delivery)) this.#kick(queue);
      },
    };
  }

  /** Takes up what the spool holds from before, and everything that arrives from now on. */
  start(): void {
    this.#cancelArrival = this.#options.spool.onArrival(() => this.#claimSoon());
    this.#renewLater();
    this.#claimSoon();
  }

  /** Starts nothing new and waits for what is under way, at most `drainMs` of real time; then cuts it off. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopped = true;
    const cancels = [this.#cancelArrival, this.#cancelRenewal, this.#cancelClaim, this.#cancelSweep];
    for (const cancel of cancels) cancel?.();
    for (const queue of this.#queues.values()) queue.cancelTimer?.();
    await this.#settleWithin(drainMs);
    this.#cutOff.abort();
    await this.#settleWithin(CUT_OFF_MS);
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
    const all = this.queues().flatMap((queue) => queue.waiting.remove(() => true));
    for (const delivery of all) this.#sort(delivery);
    for (const queue of this.queues()) this.#endRetry(queue);
  }

  #endRetry(queue: HopQueue): void {
    queue.endRetry();
    queue.waiting.bringForward(this.#options.clock.elapsedMs());
    this.#kick(queue);
  }

  #claimSoon(): void {
    this.#isMore = true;
    if (this.#isClaiming || this.#isStopped) return;
    this.#isClaiming = true;
    this.#track(this.#claimAll());
  }

  async #claimAll(): Promise<void> {
    const { spool, clock, log } = this.#options;
    try {
      while (this.#isMore && !this.#isStopped) {
        this.#isMore = false;
        const messages = await spool.claim({ owner: this.#spoolOwner, limit: CLAIM_LIMIT, leaseMs: LEASE_MS });
        if (messages.length === CLAIM_LIMIT) this.#isMore = true;
        for (const queue of new Set(messages.flatMap((message) => this.#enqueue(message)))) this.#kick(queue);
        await letOthersRun();
      }
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the spool could not be read; trying again');
      this.#cancelClaim = clock.schedule(CLAIM_AGAIN_MS, () => this.#claimSoon());
    } finally {
      this.#isClaiming = false;
    }
  }

  #enqueue(message: SpooledMessage): HopQueue[] {
    const { clock, retry } = this.#options;
    const indexes = message.recipients.flatMap(({ status }, index) => (status === 'pending' ? [index] : []));
    // A date stored while the clock was moved must not hold a message longer than the longest interval.
    const longestMs = Math.max(retry.glitchInterval, retry.transientInterval, retry.outboundInterval);
    const waitMs = Math.min(longestMs, message.nextAttemptAt.getTime() - clock.now().getTime());
    return this.#sort({
      message,
      indexes,
      dueMs: clock.elapsedMs() + Math.max(0, waitMs),
      hasWaited: message.attempts > 0,
      attempts: message.attempts,
      lastError: message.recipients[indexes[0] ?? 0]?.lastError,
    });
  }

  /** Sorts the recipients by hop: one delivery for each, in its hop's queue. Returns the queues, to be kicked. */
  #sort(from: Delivery): HopQueue[] {
    const groups = new Map<string, { hop: Hop; indexes: number[] }>();
    for (const index of from.indexes) {
      const hop = this.#options.route(from.message.recipients[index]?.address ?? '');
      const group = groups.get(hop.key) ?? { hop, indexes: [] };
      group.indexes.push(index);
      groups.set(hop.key, group);
    }
    this.#sweepBy(from.message.envelope.expiresAt);
    return Array.from(groups.values(), ({ hop, indexes }) => {
      const queue = this.#queueFor(hop);
      queue.waiting.push({ ...from, indexes });
      return queue;
    });
  }

  #queueFor(hop: Hop): HopQueue {
    const queue = this.#queues.get(hop.key) ?? new HopQueue(this.#nextId++, hop);
    queue.hop = hop;
    this.#queues.set(hop.key, queue);
    return queue;
  }

  /** Starts as many connections as are useful now, and sets the timer for what is due later. */
  #kick(queue: HopQueue): void {
    if (this.#isStopped) return;
    const { clock, maxConnectionsPerHop } = this.#options;
    const nowMs = clock.elapsedMs();
    while (queue.wantsConnection(nowMs, maxConnectionsPerHop)) this.#connect(queue);
    queue.cancelTimer?.();
    const isIdle = queue.messageCount === 0 && queue.connections === 0;
    queue.idleSinceMs = isIdle ? (queue.idleSinceMs ?? nowMs) : undefined;
    const dropMs = queue.idleSinceMs === undefined ? undefined : queue.idleSinceMs + MAX_IDLE_MS;
    const lookMs = dropMs ?? queue.nextLookMs(nowMs, maxConnectionsPerHop);
    const look = (): void => (isIdle ? void this.#queues.delete(queue.hop.key) : this.#kick(queue));
    queue.cancelTimer = lookMs === undefined ? undefined : clock.schedule(Math.max(1, lookMs - nowMs), look);
  }

  #connect(queue: HopQueue): void {
    queue.connections++;
    const ended = new ConnectionRun(this.#options, queue, this.#runOwner).run().finally(() => {
      queue.connections--;
      this.#kick(queue);
    });
    this.#track(ended);
  }

  /** Makes sure that somebody looks when this date has come. */
  #sweepBy(expiresAt: Date): void {
    const { clock } = this.#options;
    const leftMs = expiresAt.getTime() - clock.now().getTime();
    const delayMs = Math.min(MAX_SWEEP_MS, Math.max(MIN_SWEEP_MS, leftMs));
    const atMs = clock.elapsedMs() + delayMs;
    if (this.#isStopped || this.#isSweeping || this.#sweepAtMs <= atMs) return;
    this.#sweepAtMs = atMs;
    this.#cancelSweep?.();
    this.#cancelSweep = clock.schedule(delayMs, () => this.#track(this.#sweep()));
  }

  /** Returns what has run out of time in its queue, however long that one waits for its hop. */
  async #sweep(): Promise<void> {
    this.#isSweeping = true;
    try {
      for (const queue of this.#queues.values()) await this.#returnExpired(queue);
    } finally {
      this.#isSweeping = false;
      this.#sweepAtMs = Number.POSITIVE_INFINITY;
      const first = this.#firstExpiry();
      if (first) this.#sweepBy(first);
    }
  }

  async #returnExpired(queue: HopQueue): Promise<void> {
    const now = this.#options.clock.now();
    const expired = queue.waiting.remove(({ message }) => isExpired(message.envelope.expiresAt, now));
    for (const delivery of expired) queue.active.add(delivery);
    const run = new ConnectionRun(this.#options, queue, this.#runOwner);
    for (let from = 0; from < expired.length && !this.#isStopped; from += RETURNS_AT_ONCE) {
      await Promise.all(expired.slice(from, from + RETURNS_AT_ONCE).map((delivery) => run.expire(delivery)));
    }
    this.#kick(queue);
  }

  #firstExpiry(): Date | undefined {
    let first: Date | undefined;
    for (const queue of this.#queues.values()) {
      for (const { message } of queue.waiting) {
        const { expiresAt } = message.envelope;
        if (!first || expiresAt < first) first = expiresAt;
      }
    }
    return first;
  }

  #renewLater(): void {
    this.#cancelRenewal = this.#options.clock.schedule(LEASE_MS / 3, () => {
      this.#track(this.#renew());
      this.#renewLater();
    });
  }

  /** Extends the lease of everything in the queues; what waits and is no longer ours, or no longer there, is forgotten. */
  async #renew(): Promise<void> {
    const { spool, log } = this.#options;
    const asked = new Set<number>();
    for (const { waiting, active } of this.#queues.values()) {
      for (const { message } of waiting) asked.add(message.id);
      for (const { message } of active) asked.add(message.id);
    }
    if (asked.size === 0 || this.#isStopped) return;
    try {
      const kept = new Set(await spool.renew([...asked], this.#spoolOwner, LEASE_MS));
      const isLost = ({ message: { id } }: Delivery): boolean => asked.has(id) && !kept.has(id);
      for (const queue of this.#queues.values()) queue.waiting.remove(isLost);
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the claims on waiting messages could not be renewed; trying again');
    }
  }

  #track(work: Promise<void>): void {
    const watched = work
      .catch((error: unknown) => {
        this.#options.log.error({ error: messageOf(error), stack: (error as Error).stack }, 'the queue failed');
      })
      .finally(() => this.#underWay.delete(watched));
    this.#underWay.add(watched);
  }

  async #settleWithin(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([Promise.all(this.#underWay), limit]);
    clearTimeout(timer);
  }
}

/** A claimed message must have a queue, whatever is wrong with the directory. */
function routeSafely({ route, log }: QueueOptions, address: string): Hop {
  try {
    return route(address);
  } catch (error) {
    log.error({ error: messageOf(error) }, 'a recipient could not be routed');
    return unreachableHop('The route could not be determined, see the log of this server');
  }
}
