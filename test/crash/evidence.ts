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

  /** Of each kill, how many copies its victim still had to send on. */
  readonly #held: ReadonlyMap<Kill, number>;

  constructor(letter: Letter, key: string, records: Records) {
    this.#letter = letter;
    this.#key = key;
    const { hub, edge } = records.cards;
    const isOurs = (card: Card): boolean => card['messageId'] === `<${letter.id}>`;
    this.#records = { ...records, cards: { hub: hub.filter(isOurs), edge: edge.filter(isOurs) } };
    this.#held = new Map(
      records.kills.map((kill) => [kill, kill.pending.filter((pending) => this.#isAbout(pending)).length]),
    );
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
        .map((kill) => {
          const { role, node = role, step, startedMs, atMs, upAgainMs } = kill;
          const copies = this.#held.get(kill);
          return `${node} killed at ${step}: ${since(startedMs)} to ${since(atMs)}, again ${since(upAgainMs)}, held ${copies}`;
        }),
      ...ours.map(({ role, card }) => {
        const { node = role, side, outcome, internalMessageId: id, policy } = card;
        return `${String(node)} ${String(side)}: ${String(outcome)} ${String(id)} ${since(timeOf(card))} (${String(policy)})`;
      }),
    ];
  }

  /** The victim sent it on, the next hop had it, and the victim's spool still said that it is to be sent. */
  #explainSentOn(kill: Kill): Reason[] {
    const { role, node = role, step, atMs, startedMs, upAgainMs } = kill;
    if (!this.#nextHopHadTaken(role, startedMs, upAgainMs)) return [];
    const text = `${node} killed at ${step}: sent on and not recorded`;
    return Array.from({ length: this.#held.get(kill) ?? 0 }, () => ({ atMs, text }));
  }

  /** The victim had it from the other server, which had not recorded that when the victim died. */
  #explainTakenOver({ role, node, step, atMs, startedMs }: Kill): Reason[] {
    const { cards } = this.#records;
    // A database that dies under the next hop leaves it alive: it finds out what became of the message, and answers.
    if (node === 'primary' || role === this.#firstHop() || !this.#serverHadTaken(role, startedMs, atMs, node))
      return [];
    const text = `${node ?? role} killed at ${step}: had taken it and its peer had not recorded that`;
    return cards[otherThan(role)].filter((card) => isHopCard(card) && timeOf(card) >= atMs).map(() => ({ atMs, text }));
  }

  #nextHopHadTaken(role: Role, fromMs: number, toMs: number): boolean {
    // A report goes the other way, under an id that the servers gave it.
    if (this.#key === reportKey(this.#letter.id)) return true;
    if (role === this.#firstHop()) return this.#serverHadTaken(otherThan(role), fromMs, toMs);
    return this.#records.arrivals.some((atMs) => fromMs <= atMs && atMs <= toMs);
  }

  /** By its card, or by its spool when it was killed before it could write one. */
  #serverHadTaken(role: Role, fromMs: number, toMs: number, node?: string): boolean {
    const { cards, kills } = this.#records;
    const isInTime = (atMs: number): boolean => fromMs <= atMs && atMs <= toMs;
    return (
      cards[role].some(
        (card) =>
          card['outcome'] === 'accepted' && isInTime(timeOf(card)) && (node === undefined || card['node'] === node),
      ) ||
      kills.some(
        (kill) =>
          kill.role === role &&
          isInTime(kill.atMs) &&
          (node === undefined || kill.node === node) &&
          (this.#held.get(kill) ?? 0) > 0,
      )
    );
  }

  #isAbout(pending: string): boolean {
    const { id, refused } = this.#letter;
    return pending === this.#key || (pending === refused && this.#key === reportKey(id));
  }

  /** Letters to the accepted domain come in at the Edge. */
  #firstHop(): Role {
    const { recipients, refused } = this.#letter;
    return (recipients[0] ?? refused)?.endsWith('@contoso.test') === true ? 'edge' : 'hub';
  }
}

/** A card of the sender's side about a message that went to the other member of the pair. */
export function isHopCard(card: Card): boolean {
  return card['side'] === 'sender' && card['outcome'] === 'delivered' && card['policy'] === 'direct-trust';
}

function otherThan(role: Role): Role {
  return role === 'hub' ? 'edge' : 'hub';
}

/** When the card was written, in milliseconds. */
export function timeOf(card: Card): number {
  return Date.parse(String(card['time']));
}
