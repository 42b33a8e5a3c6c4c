// One queue: the messages waiting for one hop, and when it may be tried again.
//
// States, as Get-Queue shows them: Ready (nothing to wait for), Active (connections are open), Connecting (one is being
// opened), Retry (the hop could not be used; waits until retryAtMs). Exits: an attempt that succeeds clears the failures;
// one that fails moves to Retry; Retry ends by time, by Retry-Queue, or by a change in the directory. Suspended: an
// administrator wants nothing sent; what is under way is finished, and mail is taken in as ever.

import type { Cancel } from '../clock.ts';
import { PassingSet } from '../passing.ts';
import type { Reason } from '../trust/reasons.ts';
import type { Ticket } from './delivery.ts';
import type { Hop } from './hop.ts';
import { IdleConnections } from './idle-connections.ts';
import { WaitingList } from './waiting-list.ts';

export const QUEUE_STATUSES = ['Active', 'Connecting', 'Ready', 'Retry', 'Suspended'] as const;
export type QueueStatus = (typeof QUEUE_STATUSES)[number];

/** So many messages for each connection are worth waiting for, and so long: then another connection is opened. */
const MESSAGES_PER_CONNECTION = 2;
const PATIENCE_MS = 2000;
/** How long it is remembered that the hop takes no more connections than it had. */
const LIMIT_MS = 10 * 60_000;

export class HopQueue {
  readonly id: number;
  hop: Hop;
  readonly waiting = new WaitingList();
  /** Under delivery. */
  readonly active = new PassingSet<Ticket>();
  /** Messages that an administrator has suspended, one by one. */
  readonly held = new Set<Ticket>();
  /** By an administrator, as a whole. */
  isSuspended = false;
  /** What connections are judged by when they are opened: another number whenever that may have changed. */
  judgement = 0;
  /** Of the open ones, those that have nothing to carry. */
  readonly idle = new IdleConnections();
  /** Being opened or open. */
  connections = 0;
  connecting = 0;
  /** Open, and so known to work. */
  connected = 0;
  /** Closed ones that wait for the disk: what became of their last message is being written down. */
  settling = 0;
  failures = 0;
  retryAtMs: number | undefined;
  lastError: string | undefined;
  /** Why trust keeps the hop from being used, when it does. */
  lastReason: Reason | undefined;
  lastRetryTime: Date | undefined;
  nextRetryTime: Date | undefined;
  /** Since when it has been empty. */
  idleSinceMs: number | undefined;
  /** Whatever the queue waits for next. */
  cancelTimer: Cancel | undefined;
  #failureNumber = 0;
  #limit: { readonly connections: number; readonly untilMs: number } | undefined;

  constructor(id: number, hop: Hop) {
    this.id = id;
    this.hop = hop;
  }

  get messageCount(): number {
    return this.waiting.length + this.active.size + this.held.size;
  }

  /** All that is in it. */
  *tickets(): Generator<Ticket> {
    yield* this.active;
    yield* this.waiting;
    yield* this.held;
  }

  get status(): QueueStatus {
    if (this.isSuspended) return 'Suspended';
    if (this.connected > this.idle.count) return 'Active';
    if (this.connecting > 0) return 'Connecting';
    if (this.retryAtMs !== undefined) return 'Retry';
    return this.connections > this.idle.count ? 'Active' : 'Ready';
  }

  /** The next one that is due, which is active from now on; `onlyWaited` leaves fresh ones where they are. */
  take(nowMs: number, onlyWaited: boolean): Ticket | undefined {
    const ticket = this.isSuspended ? undefined : this.waiting.take(nowMs, onlyWaited);
    if (ticket) this.active.add(ticket);
    return ticket;
  }

  /** The one that opens a connection. A hop that has failed is tried with one that has waited: more may be done for it. */
  takeHead(nowMs: number): Ticket | undefined {
    return (this.failures > 0 ? this.take(nowMs, true) : undefined) ?? this.take(nowMs, false);
  }

  /** How many of the waiting could go at once by connections that are open and idle. */
  countForIdle(nowMs: number): number {
    const dueMs = this.waiting.nextDueMs();
    return this.isSuspended || dueMs === undefined || dueMs > nowMs
      ? 0
      : Math.min(this.waiting.length, this.idle.count);
  }

  /** Whether another connection is of use now. */
  wantsConnection(nowMs: number, maxConnections: number): boolean {
    const dueMs = this.waiting.nextDueMs();
    if (this.isSuspended || dueMs === undefined || dueMs > nowMs || (this.retryAtMs ?? nowMs) > nowMs) return false;
    if (!this.#hasRoom(nowMs, maxConnections)) return false;
    return this.waiting.length > this.connections * MESSAGES_PER_CONNECTION || dueMs <= nowMs - PATIENCE_MS;
  }

  /** When to ask again whether a connection is wanted; undefined: when something happens. */
  nextLookMs(nowMs: number, maxConnections: number): number | undefined {
    const dueMs = this.waiting.nextDueMs();
    if (this.isSuspended || dueMs === undefined) return undefined;
    const mayTryMs = Math.max(dueMs, this.retryAtMs ?? dueMs);
    if (mayTryMs > nowMs) return mayTryMs;
    return this.#hasRoom(nowMs, maxConnections) ? dueMs + PATIENCE_MS : undefined;
  }

  /** What was delivered and not written down would be delivered again after a crash: with a slow disk there must not be more and more. */
  #hasRoom(nowMs: number, maxConnections: number): boolean {
    return this.connections < this.#connectionLimit(nowMs, maxConnections) && this.settling < maxConnections;
  }

  /** While a hop has failed, one connection probes it; the others come when it answers. */
  #connectionLimit(nowMs: number, maxConnections: number): number {
    if (this.failures > 0) return 1;
    return this.#limit && nowMs < this.#limit.untilMs
      ? Math.min(this.#limit.connections, maxConnections)
      : maxConnections;
  }

  /** The hop answered. */
  recover(): void {
    this.failures = 0;
    this.lastError = undefined;
    this.lastReason = undefined;
    this.endRetry();
  }

  /** It may be tried at once; how often it has failed is not forgotten. */
  endRetry(): void {
    this.retryAtMs = undefined;
    this.nextRetryTime = undefined;
  }

  /** What was agreed when connections were opened may hold no longer: the idle ones end, the others after their message. */
  retireConnections(): void {
    this.judgement++;
    this.idle.dismiss();
  }

  /** Attempts that see the same number are under way together: see `fail`. */
  get failureNumber(): number {
    return this.#failureNumber;
  }

  /** The hop could not be used. Attempts under way together are one failure; returns how many there were in a row. */
  fail(failureNumber: number): number {
    if (failureNumber === this.#failureNumber) {
      this.#failureNumber++;
      this.failures++;
    }
    this.waiting.markWaited();
    return this.failures;
  }

  /** One more connection was refused while others work: for a while there are no more than these. */
  limitConnections(nowMs: number): void {
    this.#limit = { connections: this.connected, untilMs: nowMs + LIMIT_MS };
  }
}
