// A message on its way to one hop: as little of it as possible while it waits, all of it while it is handed over.

import type { SpooledMessage } from '../spool/spool.ts';
import type { Due } from './due-heap.ts';

/**
 * A message's place in a queue. A hundred thousand of them wait in memory while their messages stay in the spool, so there is
 * nothing here that the spool can tell when it comes to it. Times are the clock's elapsed milliseconds.
 */
export interface Ticket extends Due {
  /** The message. */
  readonly id: number;
  /** Those of its recipients that go to this hop. */
  readonly indexes: readonly number[];
  /** When the message is returned. */
  readonly expiresMs: number;
  /** When its sender is told of the delay; infinite once that has been done. */
  noticeMs: number;
  /** True once an attempt at it, or at its queue while it stood there, has failed. */
  hasWaited: boolean;
  readonly attempts: number;
  /** Why it waits, where the spool has not been told. */
  readonly lastError: string | undefined;
  /** By an administrator. Under delivery it is so from the end of the attempt on. */
  suspended: boolean;
  /** An administrator wants it gone, as soon as the attempt under way has ended. */
  removal: RemovalWish | undefined;
}

/** An administrator's wish that a message be gone. */
export interface RemovalWish {
  /** One sentence for the sender; without it nobody is told. */
  readonly reason: string | undefined;
}

/** What of a ticket is not its place in the queue. */
export type TicketFacts = Omit<Ticket, 'order' | 'position' | 'removal'>;

/** A message with those of its recipients that are handed over to a hop. */
export interface Delivery {
  readonly message: SpooledMessage;
  readonly indexes: readonly number[];
  /** Before this one. */
  readonly attempts: number;
}

/** A ticket that was taken, with its message. */
export interface Taken {
  readonly ticket: Ticket;
  readonly delivery: Delivery;
}
