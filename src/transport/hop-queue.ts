// One queue: the messages waiting for one hop, and when it may be tried again.
//
// States, as Get-Queue shows them: Ready (nothing to wait for), Active (connections are open), Connecting (one is being
// opened), Retry (the hop could not be used; waits until retryAtMs), Suspended. Exits: an attempt that succeeds clears the
// failures; one that fails moves to Retry; Retry ends by time, by Retry-Queue, or by a change in the directory.

import type { SpooledMessage } from '../spool/spool.ts';
import type { Hop } from './hop.ts';

/** A message with those of its recipients that go to this hop. */
export interface Delivery {
  message: SpooledMessage;
  readonly indexes: readonly number[];
  /** Clock time (elapsed) before which it is left alone. */
  dueMs: number;
  /** True once an attempt at it, or at its queue while it stood there, has failed. */
  hasWaited: boolean;
  lastError: string | undefined;
  attempts: number;
}

export type QueueStatus = 'Active' | 'Connecting' | 'Ready' | 'Retry';

export class HopQueue {
  readonly id: number;
  hop: Hop;
  readonly waiting: Delivery[] = [];
  readonly active = new Set<Delivery>();
  connections = 0;
  connecting = 0;
  failures = 0;
  retryAtMs: number | undefined;
  lastError: string | undefined;
  lastRetryTime: Date | undefined;
  nextRetryTime: Date | undefined;
  idleSinceMs: number | undefined;

  constructor(id: number, hop: Hop) {
    this.id = id;
    this.hop = hop;
  }

  get messageCount(): number {
    return this.waiting.length + this.active.size;
  }

  get status(): QueueStatus {
    if (this.retryAtMs !== undefined) return 'Retry';
    if (this.connecting > 0) return 'Connecting';
    return this.connections > 0 ? 'Active' : 'Ready';
  }

  /** The next delivery that is due; `onlyWaited` leaves fresh messages to a connection of their own. */
  take(nowMs: number, onlyWaited: boolean): Delivery | undefined {
    const position = this.waiting.findIndex(
      (delivery) => delivery.dueMs <= nowMs && (delivery.hasWaited || !onlyWaited),
    );
    if (position < 0) return undefined;
    const [delivery] = this.waiting.splice(position, 1);
    if (delivery) this.active.add(delivery);
    return delivery;
  }

  hasDue(nowMs: number): boolean {
    return this.waiting.some((delivery) => delivery.dueMs <= nowMs);
  }

  /** When the earliest delivery that is not due yet becomes so. */
  nextDueMs(): number | undefined {
    return this.waiting.length === 0
      ? undefined
      : Math.min(...this.waiting.slice(0, 1000).map((delivery) => delivery.dueMs));
  }
}
