// What an administrator does to queues and messages. A message's suspension is the spool's (it outlives a restart), a removal
// waits for an attempt under way. However many messages are meant, the queues are gone through once.

import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { Spool } from '../spool/spool.ts';
import type { RemovalWish, Ticket } from './delivery.ts';
import type { HopQueue } from './hop-queue.ts';
import type { HopQueues } from './hop-queues.ts';
import type { MessageShelf } from './message-shelf.ts';

/** Keys of the hops whose queues are suspended; kept over a restart. */
export type Suspensions = Pick<Set<string>, 'add' | 'delete' | 'has'>;

export interface AdministrationOptions {
  readonly spool: Spool;
  readonly shelf: MessageShelf;
  readonly queues: HopQueues;
  readonly suspensions: Suspensions;
  readonly elapsedMs: () => number;
  /** Is told of each removal that is begun, so that the owner of the queues can wait for it. */
  readonly track: (work: Promise<void>) => void;
  /** Sorts what waits in a queue again, and tries it. */
  readonly resubmit: (queue: HopQueue) => void;
  /** Removes what is in no queue yet; false when it is gone. */
  readonly removeUnsorted: (id: number, wish: RemovalWish) => Promise<boolean>;
}

/** A message in one queue; without one, in none yet. */
export interface QueuedMessage {
  readonly id: number;
  readonly queue: HopQueue | undefined;
}

/** What became of the messages meant. */
export interface AdministrationReport {
  readonly done: number;
  /** Under delivery: as soon as that has ended. */
  readonly pending: number;
}

/** So many share a synced step. */
const SETTLE_LIMIT = 100;
const REMOVALS_AT_ONCE = 8;

export class QueueAdministration {
  readonly #options: AdministrationOptions;

  constructor(options: AdministrationOptions) {
    this.#options = options;
  }

  /** Nothing more is sent from this queue; mail for it is still taken in. Problem `queues-unwritable`. */
  suspendQueue(queue: HopQueue): void {
    this.#options.suspensions.add(queue.hop.key);
    queue.isSuspended = true;
    this.#options.queues.kick(queue);
  }

  /** Ends that; the routes of today are asked for. */
  resumeQueue(queue: HopQueue): void {
    this.#options.suspensions.delete(queue.hop.key);
    queue.isSuspended = false;
    this.#options.resubmit(queue);
  }

  /** Suspends messages in all queues they are in; Problem `spool-unavailable`. */
  async suspend(ids: ReadonlySet<number>): Promise<AdministrationReport> {
    const count = await this.#settleAll(ids, true);
    let pending = 0;
    for (const { queue, ticket } of this.#ticketsOf(ids)) {
      ticket.suspended = true;
      if (queue.waiting.remove(ticket)) queue.held.add(ticket);
      else if (queue.active.has(ticket)) pending++;
    }
    return { done: Math.max(0, count - pending), pending };
  }

  /** Lets suspended messages be tried again, at once; Problem `spool-unavailable`. */
  async resume(ids: ReadonlySet<number>): Promise<AdministrationReport> {
    const { elapsedMs, queues } = this.#options;
    const done = await this.#settleAll(ids, false);
    const touched = new Set<HopQueue>();
    for (const { queue, ticket } of this.#ticketsOf(ids)) {
      ticket.suspended = false;
      if (!queue.held.delete(ticket)) continue;
      ticket.dueMs = Math.ceil(elapsedMs());
      queue.waiting.push(ticket);
      touched.add(queue);
    }
    for (const queue of touched) queues.kick(queue);
    return { done, pending: 0 };
  }

  /** Removes messages from these queues and no others. */
  async remove(messages: readonly QueuedMessage[], wish: RemovalWish): Promise<AdministrationReport> {
    const meant = new Map<number, Set<HopQueue>>();
    for (const { id, queue } of messages) {
      if (queue) meant.set(id, (meant.get(id) ?? new Set()).add(queue));
    }
    const found = this.#ticketsOf(new Set(meant.keys())).filter(({ queue, ticket }) =>
      meant.get(ticket.id)?.has(queue),
    );
    let pending = 0;
    const works: (() => Promise<boolean>)[] = [];
    for (const { queue, ticket } of found) {
      ticket.removal = wish;
      if (queue.active.has(ticket)) pending++;
      else works.push(() => this.#removeFrom(queue, ticket));
    }
    for (const { id, queue } of messages) {
      if (!queue) works.push(() => this.#options.removeUnsorted(id, wish));
    }
    let done = 0;
    for (let from = 0; from < works.length; from += REMOVALS_AT_ONCE) {
      const removed = await Promise.all(works.slice(from, from + REMOVALS_AT_ONCE).map((work) => work()));
      done += removed.filter((isRemoved) => isRemoved).length;
    }
    return { done, pending };
  }

  async #removeFrom(queue: HopQueue, ticket: Ticket): Promise<boolean> {
    // An attempt may have begun since: then it sees the wish when it has ended.
    if (!queue.waiting.remove(ticket) && !queue.held.delete(ticket)) return queue.active.has(ticket);
    queue.active.add(ticket);
    const { queues, track } = this.#options;
    const removed = queues.runFor(queue).remove(ticket);
    track(removed);
    await removed;
    queues.kick(queue);
    return true;
  }

  /** How many of the messages there were. */
  async #settleAll(ids: ReadonlySet<number>, suspended: boolean): Promise<number> {
    const { spool, shelf } = this.#options;
    const all = [...ids];
    let count = 0;
    for (let from = 0; from < all.length; from += SETTLE_LIMIT) {
      const some = all.slice(from, from + SETTLE_LIMIT);
      const left = await Promise.all(some.map((id) => spool.settle(id, { suspended })));
      for (const id of some) shelf.drop(id);
      count += left.filter((message) => message !== undefined).length;
    }
    // Whoever recorded an attempt before this has made a new ticket by then.
    await letOthersRun();
    return count;
  }

  #ticketsOf(ids: ReadonlySet<number>): { queue: HopQueue; ticket: Ticket }[] {
    const found: { queue: HopQueue; ticket: Ticket }[] = [];
    for (const queue of this.#options.queues.values()) {
      for (const ticket of queue.tickets()) if (ids.has(ticket.id)) found.push({ queue, ticket });
    }
    return found;
  }
}
