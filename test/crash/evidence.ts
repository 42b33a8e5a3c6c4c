// Why a copy may have come twice: the records of both servers, held against one kill. A reason needs three things: the
// victim, or its peer, had sent the message; the next hop had taken it; and that was not recorded when the kill struck.

import type { Card } from '../helpers/relaying.ts';
import type { Role } from '../helpers/servers.ts';
import { type Cards, type Kill, type Letter, reportKey } from './letter.ts';

export interface Reason {
  readonly atMs: number;
  readonly text: string;
}

export interface Records {
  /** When the key's copies came to a sink. */
  readonly arrivals: readonly number[];
  readonly kills: readonly Kill[];
  readonly cards: Cards;
}

export class Evidence {
  readonly #letter: Letter;
  readonly #key: string;
  readonly #records: Records;

  constructor(letter: Letter, key: string, records: Records) {
    this.#letter = letter;
    this.#key = key;
    this.#records = records;
  }

  /** Copies that may come of this kill. */
  explain(kill: Kill): Reason[] {
    return [...this.#explainSentOn(kill), ...this.#explainTakenOver(kill)];
  }

  /** All that is known, in milliseconds from the letter's start: for a copy that nothing accounts for. */
  describe(): string[] {
    const { arrivals, kills, cards } = this.#records;
    const since = (atMs: number): string => `+${atMs - this.#letter.startedAtMs}`;
    const ours = (['hub', 'edge'] as const).flatMap((role) => cards[role].map((card) => ({ role, card })));
    return [
      `came at ${arrivals.map((atMs) => since(atMs)).join(' and ')}`,
      ...kills
        .filter(({ upAgainMs }) => upAgainMs >= this.#letter.startedAtMs)
        .map(({ role, step, startedMs, atMs, upAgainMs, pending }) => {
          const copies = pending.filter((one) => this.#isAbout(one)).length;
          return `${role} killed at ${step}: ${since(startedMs)} to ${since(atMs)}, again ${since(upAgainMs)}, held ${copies}`;
        }),
      ...ours
        .filter(({ card }) => this.#isOurs(card))
        .map(({ role, card }) => {
          const { side, outcome, internalMessageId: id, policy } = card;
          return `${role} ${String(side)}: ${String(outcome)} ${String(id)} ${since(timeOf(card))} (${String(policy)})`;
        }),
    ];
  }

  /** The victim sent it on, the next hop had it, and the victim's spool still said that it is to be sent. */
  #explainSentOn(kill: Kill): Reason[] {
    const { role, step, atMs, startedMs, upAgainMs } = kill;
    if (!this.#nextHopHadTaken(role, startedMs, upAgainMs)) return [];
    const text = `${role} killed at ${step}: had sent it on and not recorded that`;
    return kill.pending.filter((pending) => this.#isAbout(pending)).map(() => ({ atMs, text }));
  }

  /** The victim had it from the other server, which had not recorded that when the victim died. */
  #explainTakenOver({ role, step, atMs, startedMs }: Kill): Reason[] {
    const { cards } = this.#records;
    if (role === this.#firstHop() || !this.#serverHadTaken(role, startedMs, atMs)) return [];
    const text = `${role} killed at ${step}: had taken it and its peer had not recorded that`;
    return cards[otherThan(role)]
      .filter((card) => this.#isOurs(card) && isHopCard(card) && timeOf(card) >= atMs)
      .map(() => ({ atMs, text }));
  }

  #nextHopHadTaken(role: Role, fromMs: number, toMs: number): boolean {
    // A report goes the other way, under an id that the servers gave it.
    if (this.#key === reportKey(this.#letter.id)) return true;
    if (role === this.#firstHop()) return this.#serverHadTaken(otherThan(role), fromMs, toMs);
    return this.#records.arrivals.some((atMs) => fromMs <= atMs && atMs <= toMs);
  }

  /** By its card, or by its spool when it was killed before it could write one. */
  #serverHadTaken(role: Role, fromMs: number, toMs: number): boolean {
    const { cards, kills } = this.#records;
    const isInTime = (atMs: number): boolean => fromMs <= atMs && atMs <= toMs;
    return (
      cards[role].some((card) => this.#isOurs(card) && card['outcome'] === 'accepted' && isInTime(timeOf(card))) ||
      kills.some((kill) => kill.role === role && isInTime(kill.atMs) && kill.pending.some((key) => this.#isAbout(key)))
    );
  }

  #isAbout(pending: string): boolean {
    const { id, refused } = this.#letter;
    return pending === this.#key || (pending === refused && this.#key === reportKey(id));
  }

  #isOurs(card: Card): boolean {
    return card['messageId'] === `<${this.#letter.id}>`;
  }

  /** Letters to the accepted domain come in at the Edge. */
  #firstHop(): Role {
    return this.#letter.recipients[0]?.endsWith('@contoso.test') === true ? 'edge' : 'hub';
  }
}

/** A card of the sender's side about a message that went to the other member of the pair. */
export function isHopCard(card: Card): boolean {
  return card['side'] === 'sender' && card['outcome'] === 'delivered' && card['policy'] === 'direct-trust';
}

function otherThan(role: Role): Role {
  return role === 'hub' ? 'edge' : 'hub';
}

function timeOf(card: Card): number {
  return Date.parse(String(card['time']));
}
