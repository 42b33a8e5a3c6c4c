// Remembers answers for as long as they are true, within bounds, and asks for a name once however many want it. A bounded
// number of questions is put at a time, so that mail for ten thousand domains is no flood; a name that is slow to be answered
// goes on waiting without its place, so that it holds up no other.

import { BoundedMap } from '../bounded-map.ts';
import type { Clock } from '../clock.ts';
import type { DnsAnswer, MailExchanger, Resolver } from './resolver.ts';

export interface CachedResolverOptions {
  readonly clock: Pick<Clock, 'elapsedMs'>;
  readonly source: Resolver;
  /** Questions at a time, not counting those that have taken longer than `patienceMs` (of real time). */
  readonly maxQuestions?: number;
  readonly patienceMs?: number;
}

/** Even where the zone says less: several messages come at once. */
const MIN_TTL_MS = 10_000;
/** Even where the zone says more: a mistake that was mended counts soon. */
const MAX_TTL_MS = 3_600_000;
/** Where nobody says (MX). */
const UNKNOWN_TTL_MS = 300_000;
/** What does not exist may be made any moment (RFC 2308 §5 allows more). */
const NEGATIVE_TTL_MS = 60_000;
/** A failure (RFC 2308 §7 allows five minutes); shorter than the first retry of a queue. */
const FAILED_TTL_MS = 15_000;
const MAX_NAMES = 10_000;
const MAX_QUESTIONS = 200;
/** Most answers take a fraction of it. */
const PATIENCE_MS = 1000;

interface Remembered<T> {
  readonly answer: DnsAnswer<T>;
  readonly untilMs: number;
}

export class CachedResolver implements Resolver {
  readonly #exchangers: Cache<MailExchanger>;
  readonly #addresses: Cache<string>;

  constructor({ clock, source, maxQuestions = MAX_QUESTIONS, patienceMs = PATIENCE_MS }: CachedResolverOptions) {
    const slots = new Slots(maxQuestions, patienceMs);
    this.#exchangers = new Cache(clock, (name) => slots.run(() => source.mailExchangers(name)));
    this.#addresses = new Cache(clock, (name) => slots.run(() => source.addresses(name)));
  }

  mailExchangers(name: string): Promise<DnsAnswer<MailExchanger>> {
    return this.#exchangers.get(name.toLowerCase());
  }

  addresses(name: string): Promise<DnsAnswer<string>> {
    return this.#addresses.get(name.toLowerCase());
  }
}

class Cache<T> {
  readonly #clock: Pick<Clock, 'elapsedMs'>;
  readonly #ask: (name: string) => Promise<DnsAnswer<T>>;
  readonly #known = new BoundedMap<string, Remembered<T>>(MAX_NAMES);
  readonly #asked = new Map<string, Promise<DnsAnswer<T>>>();

  constructor(clock: Pick<Clock, 'elapsedMs'>, ask: (name: string) => Promise<DnsAnswer<T>>) {
    this.#clock = clock;
    this.#ask = ask;
  }

  get(name: string): Promise<DnsAnswer<T>> {
    const known = this.#known.get(name);
    if (known && this.#clock.elapsedMs() < known.untilMs) return Promise.resolve(known.answer);
    const asked = this.#asked.get(name) ?? this.#find(name).finally(() => this.#asked.delete(name));
    this.#asked.set(name, asked);
    return asked;
  }

  async #find(name: string): Promise<DnsAnswer<T>> {
    const answer = await this.#ask(name);
    this.#known.set(name, { answer, untilMs: this.#clock.elapsedMs() + lifeOf(answer) });
    return answer;
  }
}

function lifeOf(answer: DnsAnswer<unknown>): number {
  if (answer.kind === 'failed') return FAILED_TTL_MS;
  if (answer.kind !== 'found') return NEGATIVE_TTL_MS;
  return Math.min(MAX_TTL_MS, Math.max(MIN_TTL_MS, answer.ttlMs ?? UNKNOWN_TTL_MS));
}

/** At most so many at a time; the others wait in the order in which they came. Slow work gives its slot away and goes on. */
class Slots {
  readonly #waiting: (() => void)[] = [];
  readonly #patienceMs: number;
  #free: number;

  constructor(count: number, patienceMs: number) {
    this.#free = count;
    this.#patienceMs = patienceMs;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#take();
    let isHeld = true;
    const giveBack = (): void => {
      if (isHeld) this.#give();
      isHeld = false;
    };
    const timer = setTimeout(giveBack, this.#patienceMs);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      giveBack();
    }
  }

  async #take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  /** From hand to hand. */
  #give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
