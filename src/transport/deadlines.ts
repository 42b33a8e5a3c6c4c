// What comes by time alone: a message whose time is up is returned, however long its queue waits for the hop, and the sender
// of one that has waited for hours is told. Looks through the queues when the first of them is due, never more often than
// once a second: a look at two hundred thousand tickets takes a few milliseconds.

import type { Cancel, Clock } from '../clock.ts';
import type { Ticket } from './delivery.ts';
import type { HopQueue } from './hop-queue.ts';

export interface DeadlinesOptions {
  readonly clock: Clock;
  readonly queues: () => Iterable<HopQueue>;
  readonly isStopping: () => boolean;
  readonly track: (work: Promise<void>) => void;
  /** Returns the message of a ticket that was taken from waiting and is active. */
  readonly expire: (queue: HopQueue, ticket: Ticket) => Promise<void>;
  /** Tells the sender of a message that waits, likewise; it goes on waiting. */
  readonly notify: (queue: HopQueue, ticket: Ticket) => Promise<void>;
  /** After messages of it were returned. */
  readonly kick: (queue: HopQueue) => void;
}

const MIN_SWEEP_MS = 1000;
const MAX_SWEEP_MS = 60_000;
/** So many at a time: each report holds its returned part in memory. */
const REPORTS_AT_ONCE = 8;

export class Deadlines {
  readonly #options: DeadlinesOptions;
  #cancel: Cancel | undefined;
  #sweepAtMs = Number.POSITIVE_INFINITY;
  #isSweeping = false;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
  }

  /** Makes sure that somebody looks when this time (elapsed) has come. */
  expect(atMs: number): void {
    if (this.#isSweeping || this.#sweepAtMs <= atMs || this.#options.isStopping()) return;
    const { clock, track } = this.#options;
    const nowMs = clock.elapsedMs();
    const sweepAtMs = Math.min(nowMs + MAX_SWEEP_MS, Math.max(nowMs + MIN_SWEEP_MS, atMs));
    if (this.#sweepAtMs <= sweepAtMs) return;
    this.#sweepAtMs = sweepAtMs;
    this.#cancel?.();
    this.#cancel = clock.schedule(sweepAtMs - nowMs, () => track(this.#sweep()));
  }

  /** Makes sure that somebody looks for the first that is due, after a time in which nobody was to. */
  lookAgain(): void {
    this.expect(this.#first());
  }

  stop(): void {
    this.#cancel?.();
  }

  async #sweep(): Promise<void> {
    this.#isSweeping = true;
    try {
      for (const queue of this.#options.queues()) await this.#sweepQueue(queue);
    } finally {
      this.#isSweeping = false;
      this.#sweepAtMs = Number.POSITIVE_INFINITY;
      this.lookAgain();
    }
  }

  async #sweepQueue(queue: HopQueue): Promise<void> {
    const { clock, expire, notify, kick } = this.#options;
    const nowMs = clock.elapsedMs();
    const waiting = [...queue.waiting];
    const expired = waiting.filter(({ expiresMs }) => expiresMs <= nowMs);
    const delayed = waiting.filter(({ expiresMs, noticeMs }) => expiresMs > nowMs && noticeMs <= nowMs);
    for (const ticket of [...expired, ...delayed]) {
      queue.waiting.remove(ticket);
      queue.active.add(ticket);
    }
    const left = [
      ...(await this.#someAtOnce(expired, (ticket) => expire(queue, ticket))),
      ...(await this.#someAtOnce(delayed, (ticket) => notify(queue, ticket))),
    ];
    for (const ticket of left) if (queue.active.delete(ticket)) queue.waiting.push(ticket);
    if (expired.length + delayed.length > 0) kick(queue);
  }

  /** Returns those that nobody has begun with, since the queue is to stop. */
  async #someAtOnce(tickets: readonly Ticket[], work: (ticket: Ticket) => Promise<void>): Promise<readonly Ticket[]> {
    let from = 0;
    for (; from < tickets.length && !this.#options.isStopping(); from += REPORTS_AT_ONCE) {
      await Promise.all(tickets.slice(from, from + REPORTS_AT_ONCE).map(work));
    }
    return tickets.slice(from);
  }

  #first(): number {
    let firstMs = Number.POSITIVE_INFINITY;
    for (const { waiting } of this.#options.queues()) {
      for (const { expiresMs, noticeMs } of waiting) firstMs = Math.min(firstMs, expiresMs, noticeMs);
    }
    return firstMs;
  }
}
