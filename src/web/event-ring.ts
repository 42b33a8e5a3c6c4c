// The last records in memory, so that a reader who lost its connection goes on where it was. Bounded in number and in octets. A
// record is kept as the line that went into its log anyway; it is read and put into words when somebody wants to have it.

import { randomBytes } from 'node:crypto';

/** What happened: a line of message tracking, a decision card, an event of the event log, what a round of EdgeSync came to. */
export const RECORD_KINDS = ['tracking', 'card', 'event', 'sync'] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

export interface RingOptions {
  readonly maxEntries: number;
  readonly maxOctets: number;
  /** The JSON that stands in an event of this kind for a line; undefined for one that cannot be read. */
  readonly describe: (kind: RecordKind, line: string) => string | undefined;
}

interface Entry {
  readonly kind: RecordKind;
  /** As it was recorded, until it is described for the first time. */
  line: string;
  json: string | undefined;
}

/** A record as readers get it. */
export interface RingRecord {
  readonly kind: RecordKind;
  readonly id: string;
  readonly json: string | undefined;
}

export class EventRing {
  /** Of this run of the server: numbers of another mean nothing here. */
  readonly #run = randomBytes(4).toString('hex');
  readonly #options: RingOptions;
  readonly #entries = new Map<number, Entry>();
  #octets = 0;
  #oldest = 1;
  #next = 1;

  constructor(options: RingOptions) {
    this.#options = options;
  }

  /** The number that the next record will have. */
  get next(): number {
    return this.#next;
  }

  /** The number of the oldest record that is still here, or `next`. */
  get oldest(): number {
    return this.#oldest;
  }

  add(kind: RecordKind, line: string): void {
    this.#entries.set(this.#next, { kind, line, json: undefined });
    this.#next += 1;
    this.#octets += line.length;
    this.#trim();
  }

  /** The kind of the record with this number; undefined when it is not here any more. */
  kindOf(number: number): RecordKind | undefined {
    return this.#entries.get(number)?.kind;
  }

  /** The record with this number, put into words; undefined when it is not here any more. */
  read(number: number): RingRecord | undefined {
    const entry = this.#entries.get(number);
    if (!entry) return undefined;
    if (entry.json === undefined) {
      entry.json = this.#options.describe(entry.kind, entry.line) ?? '';
      this.#octets += entry.json.length - entry.line.length;
      entry.line = '';
      this.#trim();
    }
    return { kind: entry.kind, id: this.formatId(number), json: entry.json === '' ? undefined : entry.json };
  }

  formatId(number: number): string {
    return `${this.#run}-${number}`;
  }

  /** The number after the one that `id` names; undefined when what follows is not all here, or it is an id of another run. */
  resume(id: string): number | undefined {
    const [, run, digits] = /^([0-9a-f]{8})-(\d{1,15})$/.exec(id) ?? [];
    const number = Number(digits) + 1;
    return run === this.#run && number >= this.#oldest && number <= this.#next ? number : undefined;
  }

  #trim(): void {
    const { maxEntries, maxOctets } = this.#options;
    while (this.#entries.size > maxEntries || (this.#octets > maxOctets && this.#entries.size > 0)) {
      const entry = this.#entries.get(this.#oldest);
      this.#octets -= entry ? entry.line.length + (entry.json?.length ?? 0) : 0;
      this.#entries.delete(this.#oldest);
      this.#oldest += 1;
    }
  }
}
