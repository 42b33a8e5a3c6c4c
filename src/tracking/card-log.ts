// The decision cards: CARDyyyymmdd-nnnn.log, one JSON object a line. What is on a card is decision-card.ts's business; here
// they are kept and found again by anything on them.

import type { Cancel, Clock } from '../clock.ts';
import type { LineListener, RotatingLog } from '../storage/rotating-log.ts';
import { formatJsonLine, parseJsonLine } from './plain-text.ts';
import { openTransportLog, type TransportLogOptions } from './transport-log.ts';

/** What every card has. `time` is ISO 8601. */
export interface LoggedCard {
  readonly id: string;
  readonly time: string;
  readonly networkMessageId: string;
}

export interface CardQuery {
  /** The card recorded last first; default false. */
  readonly newestFirst?: boolean | undefined;
  /** Cards recorded on this date's day (UTC) or later. */
  readonly from?: Date | undefined;
  /** Cards recorded on this date's day (UTC) or earlier. */
  readonly until?: Date | undefined;
  /** At most so many; 1000 when absent. */
  readonly limit?: number | undefined;
}

const DEFAULT_LIMIT = 1000;

export class CardLog<Card extends LoggedCard> {
  readonly #lines: RotatingLog;
  readonly #clock: Clock;

  constructor(options: TransportLogOptions) {
    this.#lines = openTransportLog(options, { prefix: 'CARD', type: 'Decision Card Log', fields: ['json'] });
    this.#clock = options.clock;
  }

  /** Writes the card down; it must be plain data that JSON can carry. */
  record(card: Card): void {
    this.append(formatJsonLine(card), this.#clock.now());
  }

  /** Keeps a card that is a line already: a worker wrote it. */
  append(line: string, at: Date): void {
    this.#lines.append(line, at);
  }

  /** Calls `listener` with the line of each card that is kept from now on. */
  onLine(listener: LineListener): Cancel {
    return this.#lines.onLine(listener);
  }

  /** The cards for which `where` holds; a line that is no card is passed over. */
  async find(where: (card: Card) => boolean, query: CardQuery = {}): Promise<Card[]> {
    const { newestFirst = false, from, until, limit = DEFAULT_LIMIT } = query;
    const cards: Card[] = [];
    if (limit <= 0) return cards;
    for await (const line of this.#lines.readLines({ newestFirst, from, until })) {
      const card = parseCard(line) as Card | undefined;
      if (!card || !where(card)) continue;
      cards.push(card);
      if (cards.length >= limit) break;
    }
    return cards;
  }

  close(): void {
    this.#lines.close();
  }
}

/** The card of a line; undefined when the line is none. */
export function parseCard(line: string): LoggedCard | undefined {
  const value = parseJsonLine(line);
  // The three texts show that the line is a card; the rest of it is as this product wrote it.
  return isLoggedCard(value) ? value : undefined;
}

function isLoggedCard(value: unknown): value is LoggedCard {
  if (typeof value !== 'object' || value === null) return false;
  const card = value as Partial<Record<keyof LoggedCard, unknown>>;
  return typeof card.id === 'string' && typeof card.time === 'string' && typeof card.networkMessageId === 'string';
}
