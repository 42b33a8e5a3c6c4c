// Why a copy may have come twice: what every copy says of the way it went, and the records of the servers, held against one kill. A
// reason needs three things: the victim, or its peer, had sent the message; the next hop had taken it; and that was not recorded when
// the kill struck.

import type { Card } from '../helpers/relaying.ts';
import type { Role } from '../helpers/servers.ts';
import { type Arrival, type Cards, type Kill, type Letter, reportKey, roleOf, type Taking } from './letter.ts';

export interface Reason {
  readonly atMs: number;
  readonly text: string;
}

/** A Received field tells the second. */
const SECOND_MS = 1000;

export interface Records {
  /** The key's copies that came to a sink. */
  readonly arrivals: readonly Arrival[];
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
    const ids = new Set([letter.id, ...records.arrivals.map(({ id }) => id)]);
    const isOurs = (card: Card): boolean => ids.has(String(card['messageId']).slice(1, -1));
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
      ...arrivals.map(({ atMs, from: sender, takings }) => {
        const way = takings.map(({ from, by, atMs: takenMs }) => `taken by ${by} from ${from} ${since(takenMs)}`);
        return [`came from ${sender} ${since(atMs)}`, ...way].join(', ');
      }),
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
    if (!this.#hadSentOn(kill)) return [];
    const { role, node = role, step, atMs } = kill;
    const text = `${node} killed at ${step}: sent on and not recorded`;
    return Array.from({ length: this.#held.get(kill) ?? 0 }, () => ({ atMs, text }));
  }

  /** The victim had it from the other server, which had not recorded that when the victim died. */
  #explainTakenOver(kill: Kill): Reason[] {
    const { role, node, step, atMs, startedMs } = kill;
    // A database that dies under the next hop leaves it alive: it finds out what became of the message, and answers.
    if (node === 'primary') return [];
    // Not what its spool or its cards say: a COMMIT that hangs when its server dies shows nothing yet, and stores the message later.
    const hadTaken = (taking: Taking): boolean => isOf(taking.by, kill) && isWithin(taking, startedMs, atMs);
    if (!this.#takings.some((taking) => hadTaken(taking) && this.#waitedUntil(atMs, taking))) return [];
    const text = `${node ?? role} killed at ${step}: had taken it and its peer had not recorded that`;
    const { cards } = this.#records;
    return cards[otherThan(role)].filter((card) => isHopCard(card) && timeOf(card) >= atMs).map(() => ({ atMs, text }));
  }

  /** True where the sender was still there to hear the answer: its own death, where that came first, is a reason by itself. */
  #waitedUntil(endMs: number, { from, atMs }: Taking): boolean {
    return !this.#records.kills.some(
      (kill) => kill.node !== 'primary' && isOf(from, kill) && atMs + SECOND_MS <= kill.atMs && kill.atMs < endMs,
    );
  }

  /** To the other server, as a copy says, or to the sink. */
  #hadSentOn(kill: Kill): boolean {
    const { role, startedMs, upAgainMs } = kill;
    if (this.#takings.some((taking) => isOf(taking.from, kill) && isWithin(taking, startedMs, upAgainMs))) return true;
    if (role !== this.#lastHop()) return false;
    return this.#records.arrivals.some(({ from, atMs }) => isOf(from, kill) && startedMs <= atMs && atMs <= upAgainMs);
  }

  get #takings(): readonly Taking[] {
    return this.#records.arrivals.flatMap(({ takings }) => takings);
  }

  #isAbout(pending: string): boolean {
    const { id, refused } = this.#letter;
    return pending === this.#key || (pending === refused && this.#key === reportKey(id));
  }

  /** Letters to the accepted domain come in at the Edge; a report goes back the way its letter came. */
  #lastHop(): Role {
    const { id, recipients, refused } = this.#letter;
    const firstHop = (recipients[0] ?? refused)?.endsWith('@contoso.test') === true ? 'edge' : 'hub';
    return this.#key === reportKey(id) ? firstHop : otherThan(firstHop);
  }
}

/** True for the victim itself; where it was the database, or there is one server of a role alone, for any of that role. */
function isOf(name: string, { role, node }: Kill): boolean {
  return node === undefined || node === 'primary' ? roleOf(name) === role : name === node;
}

function isWithin({ atMs }: Taking, fromMs: number, toMs: number): boolean {
  return fromMs < atMs + SECOND_MS && atMs <= toMs;
}

/** A card of the sender's side about a message that went to the other member of the pair. */
export function isHopCard(card: Card): boolean {
  return isDelivered(card) && card['policy'] === 'direct-trust';
}

/** A card of the sender's side about a message that somebody took. */
export function isDelivered(card: Card): boolean {
  return card['side'] === 'sender' && card['outcome'] === 'delivered';
}

function otherThan(role: Role): Role {
  return role === 'hub' ? 'edge' : 'hub';
}

/** When the card was written, in milliseconds. */
export function timeOf(card: Card): number {
  return Date.parse(String(card['time']));
}
