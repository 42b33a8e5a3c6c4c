// One reader of the live events: a response that stays open (HTML, "server-sent events"). It has no queue of its own, only its
// place in the ring: what its client does not take stays there until it is pushed out, and then the reader is told so and cut.
//
// States: open; waiting (the client has not taken what was written); closed. Records carry an id and can be gone on from; states
// (clock, queues, load, health) are the newest of each, replace one another, and carry none.

import type { ServerResponse } from 'node:http';
import type { EventRing, RecordKind } from './event-ring.ts';

export interface ReaderOptions {
  readonly response: ServerResponse;
  readonly ring: EventRing;
  /** The number of the first record it gets. */
  readonly from: number;
  readonly kinds: ReadonlySet<RecordKind>;
  /** At most so many records in a second; those beyond are counted and left out. */
  readonly perSecond: number;
  readonly onClose: () => void;
}

/** Put into words in one go before the event loop has its turn. */
const BATCH = 100;
/** What happens so soon after the last write goes into one with what follows: a write and a woken reader each cost more than the words. */
const GATHER_MS = 50;
/** How long a client that is cut off may take to read why. */
const FAREWELL_MS = 5000;
const MAX_WAIT_MS = 60_000;
const SECOND_MS = 1000;

export class EventReader {
  readonly #options: ReaderOptions;
  readonly #states = new Map<string, string>();
  #at: number;
  /** Since when, by real time, the client has not taken what was written. */
  #waitingSinceMs: number | undefined;
  #isClosed = false;
  #isScheduled = false;
  /** When it was last awake. */
  #pumpedMs = -GATHER_MS;
  #window = { startMs: 0, count: 0, skipped: 0 };

  constructor(options: ReaderOptions) {
    const { response, onClose, from } = options;
    this.#options = options;
    this.#at = from;
    response.on('drain', () => {
      this.#waitingSinceMs = undefined;
      this.#schedule(0);
    });
    response.on('error', () => response.destroy());
    response.once('close', () => {
      this.#isClosed = true;
      onClose();
    });
  }

  /** Something is there to be written. */
  wake(): void {
    this.#schedule(this.#pumpedMs + GATHER_MS - performance.now());
  }

  /** The newest of a state. */
  setState(name: string, json: string): void {
    this.#states.set(name, json);
    this.wake();
  }

  /** One event out of turn: `hello`, `reset`. `number`: what it can be gone on from. */
  tell(name: string, json: string, number?: number): void {
    const id = number === undefined ? '' : `id: ${this.#options.ring.formatId(number)}\n`;
    this.#write(`${id}event: ${name}\ndata: ${json}\n\n`);
  }

  /** A comment, so that neither side nor anybody between takes the connection for dead. */
  beat(): void {
    if (!this.#isWaiting && !this.#isClosed) this.#write(': \n\n');
  }

  /** Cuts off a client for which events are gone already, or that has taken nothing for a minute. */
  checkPace(): void {
    const isStuck = this.#waitingSinceMs !== undefined && performance.now() - this.#waitingSinceMs > MAX_WAIT_MS;
    if (isStuck || this.#at < this.#options.ring.oldest)
      this.cut('reader-too-slow', 'events came faster than they were read, and some are gone: connect again');
  }

  /** Says why, and ends. */
  cut(code: string, detail: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { response } = this.#options;
    response.end(`event: cut\ndata: ${JSON.stringify({ code, detail })}\n\n`);
    setTimeout(() => response.destroy(), FAREWELL_MS).unref();
  }

  get #isWaiting(): boolean {
    return this.#waitingSinceMs !== undefined;
  }

  #schedule(ms: number): void {
    if (this.#isScheduled || this.#isClosed || this.#isWaiting) return;
    this.#isScheduled = true;
    const pump = (): void => {
      this.#isScheduled = false;
      this.#pump();
    };
    if (ms > 0) setTimeout(pump, ms);
    else setImmediate(pump);
  }

  #pump(): void {
    this.#pumpedMs = performance.now();
    this.checkPace();
    if (this.#isClosed || this.#isWaiting) return;
    const { ring } = this.#options;
    const text = this.#takeStates() + this.#takeRecords();
    if (text !== '') this.#write(text);
    // A reader that has to catch up does not wait for more.
    if (this.#at < ring.next) this.#schedule(0);
  }

  #takeStates(): string {
    let text = '';
    for (const [name, json] of this.#states) text += `event: ${name}\ndata: ${json}\n\n`;
    this.#states.clear();
    return text;
  }

  #takeRecords(): string {
    const { ring, kinds } = this.#options;
    let text = this.#openWindow();
    for (let taken = 0; taken < BATCH && this.#at < ring.next; this.#at += 1) {
      const kind = ring.kindOf(this.#at);
      if (!kind || !kinds.has(kind) || !this.#admit()) continue;
      const record = ring.read(this.#at);
      taken += 1;
      if (record?.json !== undefined) text += `id: ${record.id}\nevent: ${record.kind}\ndata: ${record.json}\n\n`;
    }
    return text;
  }

  /** Begins another second, and says what the last one left out. */
  #openWindow(): string {
    const nowMs = performance.now();
    if (nowMs - this.#window.startMs < SECOND_MS) return '';
    const { skipped } = this.#window;
    this.#window = { startMs: nowMs, count: 0, skipped: 0 };
    return skipped > 0 ? `event: skipped\ndata: ${JSON.stringify({ Count: skipped })}\n\n` : '';
  }

  #admit(): boolean {
    this.#window.count += 1;
    if (this.#window.count <= this.#options.perSecond) return true;
    this.#window.skipped += 1;
    return false;
  }

  #write(text: string): void {
    if (this.#isClosed) return;
    if (!this.#options.response.write(text)) this.#waitingSinceMs = performance.now();
  }
}
