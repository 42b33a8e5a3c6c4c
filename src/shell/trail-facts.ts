// What both servers know of one message, put together: the decision cards in the order of a journey. A card of the sender and
// one of the receiver tell of the same hop when one server sent to the other. Pure.

import type { OutputRecord } from '../cmdlets/output.ts';
import type { DecisionCard } from '../tracking/decision-card.ts';

/** What one server answered. */
export interface KnownOfMessage {
  readonly cards: readonly OutputRecord[];
  readonly tracking: readonly OutputRecord[];
  /** Records of reports about the message. */
  readonly reports: readonly OutputRecord[];
}

/** One attempt to carry the message on. */
export interface Hop {
  readonly card: DecisionCard;
  /** The receiver's card of the same hop, where the receiver is one of the two servers. */
  readonly received: DecisionCard | undefined;
  /** What the receiver did with it. */
  readonly onward: readonly Hop[];
}

export interface Trail {
  readonly messageId: string;
  readonly networkMessageIds: readonly string[];
  readonly subject: string;
  readonly sender: string;
  readonly recipients: readonly string[];
  /** Where it came in from outside the pair. */
  readonly arrivals: readonly Hop[];
  /** Attempts of which the arrival is no longer on record, or never was: reports that a server made itself. */
  readonly departures: readonly Hop[];
  readonly reports: readonly {
    readonly server: string;
    readonly recipients: readonly string[];
    readonly subject: string;
  }[];
}

/** The trail, or undefined when nobody knows the message. */
export function followTrail(known: readonly KnownOfMessage[]): Trail | undefined {
  const cards = known.flatMap((each) => each.cards.map(readCard)).toSorted((a, b) => a.time.localeCompare(b.time));
  const tracking = known.flatMap((each) => each.tracking);
  const [first] = [...cards, ...tracking.map(readIds)];
  if (first === undefined) return undefined;
  const follower = new Follower(cards);
  const named = tracking.find((record) => text(record, 'MessageSubject') !== '') ?? tracking[0];
  return {
    messageId: first.messageId,
    networkMessageIds: [...new Set(cards.map((card) => card.networkMessageId))],
    subject: named === undefined ? '' : text(named, 'MessageSubject'),
    sender: named === undefined ? '' : text(named, 'Sender'),
    recipients: [...new Set(tracking.flatMap((record) => texts(record, 'Recipients')))],
    arrivals: follower.arrivals(),
    departures: follower.departures(),
    reports: known.flatMap(({ cards: own, reports }) => {
      const [card] = own.map(readCard);
      return reports.map((report) => describeReport(report, card?.server ?? ''));
    }),
  };
}

/** Neighbours that are alike, told of as one. */
export interface Run<Item> {
  readonly first: Item;
  readonly last: Item;
  readonly length: number;
}

export function foldRuns<Item>(items: readonly Item[], isAlike: (before: Item, next: Item) => boolean): Run<Item>[] {
  const runs: Run<Item>[] = [];
  for (const item of items) {
    const run = runs.at(-1);
    if (run !== undefined && isAlike(run.last, item))
      runs[runs.length - 1] = { ...run, last: item, length: run.length + 1 };
    else runs.push({ first: item, last: item, length: 1 });
  }
  return runs;
}

/** Attempts that went the same way one after the other are one: the last, and how many there were. */
export function foldAttempts(hops: readonly Hop[]): Run<Hop>[] {
  return foldRuns(hops, ({ card: a }, { card: b }) => {
    const isSamePlace = b.reason === a.reason && b.peer.address === a.peer.address;
    // Where nothing was said, only the step at which the connection broke differs.
    return (
      a.outcome === 'deferred' &&
      b.outcome === a.outcome &&
      isSamePlace &&
      (a.channel === 'none' || b.detail === a.detail)
    );
  });
}

/** Gives every card its place once. */
class Follower {
  readonly #receivers: readonly DecisionCard[];
  readonly #senders: readonly DecisionCard[];
  readonly #placed = new Set<DecisionCard>();

  constructor(cards: readonly DecisionCard[]) {
    this.#receivers = cards.filter((card) => card.side === 'receiver');
    this.#senders = cards.filter((card) => card.side === 'sender');
  }

  arrivals(): Hop[] {
    const inner = new Set(this.#senders.map((card) => this.#receiptOf(card)));
    return this.#receivers.filter((card) => !inner.has(card)).map((card) => this.#arrive(card));
  }

  /** To be asked after the arrivals. */
  departures(): Hop[] {
    return this.#senders.filter((card) => !this.#placed.has(card)).map((card) => this.#depart(card));
  }

  #arrive(card: DecisionCard): Hop {
    return { card, received: undefined, onward: card.outcome === 'accepted' ? this.#onward(card) : [] };
  }

  #depart(card: DecisionCard): Hop {
    this.#placed.add(card);
    const received = this.#receiptOf(card);
    return { card, received, onward: received === undefined ? [] : this.#onward(received) };
  }

  #onward(received: DecisionCard): Hop[] {
    const own = this.#senders.filter(
      (card) => card.server === received.server && isSameMessage(card, received) && !this.#placed.has(card),
    );
    for (const card of own) this.#placed.add(card);
    return own.map((card) => this.#depart(card));
  }

  /** The other server's card of the hop that this one tells of. */
  #receiptOf(sent: DecisionCard): DecisionCard | undefined {
    if (sent.outcome !== 'delivered') return undefined;
    return this.#receivers.find(
      (card) => card.server !== sent.server && card.outcome === 'accepted' && isSameHop(sent, card),
    );
  }
}

/** The name that the sender went to is the one that the receiver calls itself, or the hop is one of the pair's. */
function isSameHop(sent: DecisionCard, received: DecisionCard): boolean {
  return sent.networkMessageId === received.networkMessageId && sent.peer.name === received.server;
}

function isSameMessage(a: DecisionCard, b: DecisionCard): boolean {
  if (a.networkMessageId !== '' && b.networkMessageId !== '') return a.networkMessageId === b.networkMessageId;
  return a.internalMessageId === b.internalMessageId;
}

/** Card is the whole card as it came out of JSON. */
function readCard(record: OutputRecord): DecisionCard {
  return record['Card'] as unknown as DecisionCard;
}

function readIds(record: OutputRecord): Pick<DecisionCard, 'messageId'> {
  return { messageId: text(record, 'MessageId') };
}

/** The record of a report names no server; whoever made it has cards of the message. */
function describeReport(record: OutputRecord, server: string): Trail['reports'][number] {
  return {
    server,
    recipients: texts(record, 'Recipients'),
    subject: text(record, 'MessageSubject'),
  };
}

function text(record: OutputRecord, name: string): string {
  const value = record[name];
  return typeof value === 'string' ? value : '';
}

function texts(record: OutputRecord, name: string): string[] {
  const value = record[name];
  return Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
}
