// What was promised to senders, what arrived, and who was killed when. Says at the end what was lost and which second copies
// are inside the window: a copy more is allowed only when the next hop's 250 was not yet recorded when a server was killed.

import type { Card } from '../helpers/relaying.ts';
import type { SunkMessage } from '../helpers/sink.ts';
import { sha256 } from '../helpers/spool-fixtures.ts';
import { Evidence, isDelivered, isHopCard, timeOf } from './evidence.ts';
import {
  type Arrival,
  type Cards,
  findIds,
  findTakings,
  hostOf,
  type Kill,
  keysOf,
  type Letter,
  reportKey,
} from './letter.ts';

export interface Duplicate {
  readonly key: string;
  readonly copies: number;
  /** Kills that account for a copy each; where they do not suffice, all that is known of it. */
  readonly because: readonly string[];
  /** True when each extra copy is inside the window. */
  readonly isAllowed: boolean;
}

export interface Verdict {
  readonly letters: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** Keys that arrived at least once: a recipient each, a report each. */
  readonly delivered: number;
  readonly kills: number;
  readonly lost: readonly string[];
  /** What arrived altered, half, uninvited, or although it was refused. */
  readonly strange: readonly string[];
  readonly duplicates: readonly Duplicate[];
}

export class Ledger {
  readonly letters = new Map<string, Letter>();
  readonly kills: Kill[] = [];
  readonly strange: string[] = [];
  readonly #byRecipient = new Map<string, Letter>();
  readonly #arrivals = new Map<string, Arrival[]>();

  add(letter: Letter): void {
    this.letters.set(letter.id, letter);
    for (const recipient of letter.recipients) this.#byRecipient.set(recipient, letter);
    if (letter.refused !== undefined) this.#byRecipient.set(letter.refused, letter);
  }

  letterTo(recipient: string): Letter | undefined {
    return this.#byRecipient.get(recipient);
  }

  /** Enters what a sink has taken. */
  take(message: SunkMessage): void {
    for (const recipient of message.recipients) {
      const letter = this.#byRecipient.get(recipient);
      if (letter) this.#takeLetter(letter, recipient, message);
      else this.#takeReport(message);
    }
  }

  /** Keys that are promised and have not arrived. */
  missing(): string[] {
    return [...this.letters.values()]
      .filter(({ answer }) => answer === 'taken')
      .flatMap((letter) => keysOf(letter))
      .filter((key) => !this.#arrivals.has(key));
  }

  /** `cards`: those of each server, which tell when it recorded what the other had taken from it. */
  judge(cards: Cards): Verdict {
    const letters = [...this.letters.values()];
    const refused = letters.filter(({ answer }) => answer === 'refused');
    const refusedButSent = refused.flatMap((letter) => keysOf(letter)).filter((key) => this.#arrivals.has(key));
    return {
      letters: letters.length,
      acknowledged: letters.filter(({ answer }) => answer === 'taken').length,
      refused: refused.length,
      delivered: this.#arrivals.size,
      kills: this.kills.length,
      lost: this.missing(),
      strange: [
        ...this.strange,
        ...refusedButSent.map((key) => `${key}: was refused and arrived all the same`),
        ...this.#findSentAfterRecord(cards),
      ],
      duplicates: letters.flatMap((letter) => keysOf(letter).flatMap((key) => this.#judgeCopies(letter, key, cards))),
    };
  }

  /** The card is written after the record: a message that has one must not have gone again, to the other server or to a sink. */
  #findSentAfterRecord(cards: Cards): string[] {
    return Object.entries(cards).flatMap(([role, all]) => {
      const seen = new Set<unknown>();
      return all
        .filter((card) => isDelivered(card) && this.#goesOnce(card) && !this.#isUnrecorded(card))
        .map((card) => card['internalMessageId'])
        .filter((id) => seen.size === seen.add(id).size)
        .map((id) => `${role}: sent message ${String(id)} again although it was recorded as taken`);
    });
  }

  /** To the other server everything goes at once, to a sink what has one recipient. What is no letter is a report, and has one. */
  #goesOnce(card: Card): boolean {
    const letter = this.letters.get(String(card['messageId']).slice(1, -1));
    return isHopCard(card) || letter === undefined || keysOf(letter).length === 1;
  }

  /** True for what a server held when it was cut off, and may have delivered without being able to record it. */
  #isUnrecorded(card: Card): boolean {
    const letter = this.letters.get(String(card['messageId']).slice(1, -1));
    // What is no letter is a report, under an id that the servers gave it.
    const isAbout = (key: string): boolean =>
      letter ? key === letter.refused || keysOf(letter).includes(key) : key.startsWith(reportKey(''));
    return this.kills.some(
      ({ livesOn = false, node, atMs, pending }) =>
        livesOn && node === card['node'] && timeOf(card) >= atMs && pending.some(isAbout),
    );
  }

  #takeLetter(letter: Letter, recipient: string, message: SunkMessage): void {
    const { content } = message;
    const trouble = findTrouble(content, letter);
    if (trouble !== undefined) this.strange.push(`${recipient}: ${trouble}`);
    const trace = content.subarray(0, Math.max(0, content.length - letter.sizeBytes));
    this.#note(recipient, message, { id: letter.id, takings: findTakings(trace) });
  }

  #takeReport(message: SunkMessage): void {
    const ids = findIds(message.content).filter((id) => this.letters.get(id)?.refused !== undefined);
    if (message.reversePath !== '' || ids.length !== 1) {
      this.strange.push(`${message.recipients.join()}: from <${message.reversePath}>, neither a letter nor its report`);
    }
    const own = /^Message-ID: <([^>]+)>/im.exec(message.content.toString('latin1'))?.[1];
    for (const id of ids) this.#note(reportKey(id), message, { id: own, takings: findTakings(message.content) });
  }

  #note(key: string, { client }: SunkMessage, facts: Pick<Arrival, 'id' | 'takings'>): void {
    const arrivals = this.#arrivals.get(key) ?? [];
    arrivals.push({ atMs: Date.now(), from: hostOf(client), ...facts });
    this.#arrivals.set(key, arrivals);
  }

  #judgeCopies(letter: Letter, key: string, cards: Cards): Duplicate[] {
    const arrivals = this.#arrivals.get(key) ?? [];
    if (arrivals.length < 2) return [];
    const evidence = new Evidence(letter, key, { arrivals, kills: this.kills, cards });
    const reasons = this.kills.flatMap((kill) => evidence.explain(kill)).toSorted((a, b) => a.atMs - b.atMs);
    // The n-th extra copy needs n reasons that came before it.
    const extra = arrivals.map(({ atMs }) => atMs).slice(1);
    const isAllowed = extra.every((atMs, index) => reasons.filter((reason) => reason.atMs <= atMs).length > index);
    return [
      {
        key,
        copies: arrivals.length,
        because: isAllowed ? reasons.map(({ text }) => text) : evidence.describe(),
        isAllowed,
      },
    ];
  }
}

/** The submitted octets must be there whole, with nothing but the two servers' trace fields before them. */
function findTrouble(content: Buffer, letter: Letter): string | undefined {
  const start = content.length - letter.sizeBytes;
  if (start < 0) return `${content.length} of ${letter.sizeBytes} octets`;
  if (sha256(content.subarray(start)) !== letter.sha256) return 'another content than was submitted';
  const trace = content.subarray(0, start).toString();
  return /^(?:Received: (?:[^\r\n]|\r\n[\t ])+\r\n){2}$/.test(trace) ? undefined : `its trace fields are: ${trace}`;
}
