// What became of one message on its way through a pair: what both servers wrote down, what was to be seen on the path between them,
// and what arrived.

import type { OutputRecord } from '../cmdlets/output.ts';
import type { Role } from '../config.ts';
import type { DecisionCard } from '../tracking/decision-card.ts';
import type { Arrival } from './sink.ts';
import type { WitnessedConnection } from './witness.ts';

/** From inside to the world, or from the world inside. */
export type Direction = 'out' | 'in';

export type MessageState = 'delivered' | 'waiting' | 'failed';

export interface TracedMessage {
  /** The Message-ID, with angle brackets. */
  readonly id: string;
  readonly direction: Direction;
  /** What it was handed in as. */
  readonly content: Buffer;
  readonly state: MessageState;
  /** Everything that each server wrote on cards about it, oldest first. */
  readonly cards: Readonly<Record<Role, readonly DecisionCard[]>>;
  /** The hop between the two servers. */
  readonly hop: TracedHop;
  /** As Get-MessageTrackingLog shows it. */
  readonly tracking: Readonly<Record<Role, readonly OutputRecord[]>>;
  /** The hop as somebody on the path read it; undefined as long as it did not come across. */
  readonly wire: WitnessedConnection | undefined;
  /** The same line by line; empty as long as there is none. */
  readonly transcript: readonly string[];
  /** As it came to the end of its way. */
  readonly delivered: readonly Arrival[];
}

export interface TracedHop {
  /** One for each attempt. */
  readonly attempts: readonly DecisionCard[];
  /** The last of them. */
  readonly sender: DecisionCard | undefined;
  /** What the other server wrote when it took the message. */
  readonly receiver: DecisionCard | undefined;
}

/** Which server a message comes to first, and which it leaves by. */
export const WAY = {
  out: { entry: 'hub', exit: 'edge' },
  in: { entry: 'edge', exit: 'hub' },
} as const satisfies Record<Direction, { entry: Role; exit: Role }>;

/** The hop between the two out of all their cards. Pure. */
export function findHop(direction: Direction, cards: TracedMessage['cards']): TracedHop {
  const { entry, exit } = WAY[direction];
  const attempts = cards[entry].filter(({ side }) => side === 'sender');
  const receiver = cards[exit].findLast(({ side }) => side === 'receiver');
  return { attempts, sender: attempts.at(-1), receiver };
}
