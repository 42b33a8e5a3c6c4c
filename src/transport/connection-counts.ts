// How many connections there are, in all, at each Receive connector and from each source, and how fast messages come. Kept in
// one place for all processes of a server: a worker asks its owner. Decides by numbers alone; who goes when there are too many is
// crowd.ts' affair.

import { BoundedMap } from '../bounded-map.ts';

/** One connection that wants in. */
export interface EntryClaim {
  readonly connector: string;
  /** See sourceOf. */
  readonly source: string;
  /** Of the server. */
  readonly maxConnections: number;
  readonly maxInboundConnection: number;
  readonly maxPerSource: number | undefined;
  readonly percentPerSource: number;
}

/** What one connection counts for. */
export interface Entry {
  readonly connector: string;
  /** Undefined: for none, since its client has proved to be of the pair. */
  readonly source: string | undefined;
}

/** `in`: counted. Otherwise what is full. */
export type Admission = 'in' | 'source' | 'connector' | 'server';

/** So many of something from one key. */
export interface Spending {
  readonly key: string;
  readonly count: number;
  readonly limitPerMinute: number;
}

/** As the receiving side asks. */
export interface Counts {
  enter(claim: EntryClaim): Promise<Admission> | Admission;
  leave(entry: Entry): void;
  /** Its client has proved to be of the pair: it counts for its source no more, and leaves as one of none. */
  vouch(entry: Entry): void;
  /** Whether it stays within the limit; it is counted only then. */
  spend(spending: Spending): Promise<boolean> | boolean;
}

const MINUTE_MS = 60_000;
/** Keys are chosen by strangers. */
const MAX_KEYS = 100_000;

/** What one key spent in this minute of its own and the one before. */
interface Minute {
  readonly startMs: number;
  readonly before: number;
  readonly now: number;
}

/** The counts themselves. Real time. */
export class ConnectionCounts implements Counts {
  readonly #nowMs: () => number;
  #total = 0;
  readonly #byConnector = new Map<string, number>();
  readonly #bySource = new Map<string, number>();
  readonly #minutes = new BoundedMap<string, Minute>(MAX_KEYS);

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  enter(claim: EntryClaim): Admission {
    const atConnector = this.#byConnector.get(claim.connector) ?? 0;
    const fromSource = this.#bySource.get(keyOf(claim)) ?? 0;
    if (fromSource >= sourceLimit(claim, atConnector)) return 'source';
    if (atConnector >= claim.maxInboundConnection) return 'connector';
    if (this.#total >= claim.maxConnections) return 'server';
    this.#add(claim, 1);
    return 'in';
  }

  leave(entry: Entry): void {
    this.#add(entry, -1);
  }

  vouch({ connector, source }: Entry): void {
    this.#add({ connector, source }, -1);
    this.#add({ connector, source: undefined }, 1);
  }

  /** Counts what came in the last minute, taken as spread evenly over the minute in which it came. */
  spend({ key, count, limitPerMinute }: Spending): boolean {
    const minute = this.#minuteOf(key);
    const share = 1 - (this.#nowMs() - minute.startMs) / MINUTE_MS;
    if (minute.before * share + minute.now + count > limitPerMinute) return false;
    this.#minutes.set(key, { ...minute, now: minute.now + count });
    return true;
  }

  #minuteOf(key: string): Minute {
    const nowMs = this.#nowMs();
    const known = this.#minutes.get(key);
    if (!known || nowMs - known.startMs >= 2 * MINUTE_MS) return { startMs: nowMs, before: 0, now: 0 };
    if (nowMs - known.startMs < MINUTE_MS) return known;
    return { startMs: known.startMs + MINUTE_MS, before: known.now, now: 0 };
  }

  #add(entry: Entry, change: 1 | -1): void {
    this.#total += change;
    bump(this.#byConnector, entry.connector, change);
    if (entry.source !== undefined) bump(this.#bySource, keyOf(entry), change);
  }
}

/**
 * What belongs to one process: when it has died, nobody else gives its places back. The numbers are those of the whole server.
 */
export class CountsShare implements Counts {
  readonly #counts: ConnectionCounts;
  readonly #entries = new Map<string, { readonly entry: Entry; count: number }>();

  constructor(counts: ConnectionCounts) {
    this.#counts = counts;
  }

  enter(claim: EntryClaim): Admission {
    const admission = this.#counts.enter(claim);
    if (admission === 'in') this.#note(claim);
    return admission;
  }

  leave(entry: Entry): void {
    if (this.#drop(entry)) this.#counts.leave(entry);
  }

  vouch(entry: Entry): void {
    if (!this.#drop(entry)) return;
    this.#note({ ...entry, source: undefined });
    this.#counts.vouch(entry);
  }

  spend(spending: Spending): boolean {
    return this.#counts.spend(spending);
  }

  #note(entry: Entry): void {
    const known = this.#entries.get(keyOf(entry));
    if (known) known.count += 1;
    else this.#entries.set(keyOf(entry), { entry, count: 1 });
  }

  /** False: there is no such entry. */
  #drop(entry: Entry): boolean {
    const known = this.#entries.get(keyOf(entry));
    if (!known) return false;
    known.count -= 1;
    if (known.count === 0) this.#entries.delete(keyOf(entry));
    return true;
  }

  /** Gives back what is left. */
  close(): void {
    for (const { entry, count } of this.#entries.values())
      for (let left = count; left > 0; left--) this.#counts.leave(entry);
    this.#entries.clear();
  }
}

/** MaxInboundConnectionPerSource, and the percentage of the connections that are left, of which there is always one. */
function sourceLimit(
  { maxPerSource, percentPerSource, maxInboundConnection }: EntryClaim,
  atConnector: number,
): number {
  const left = Math.max(0, maxInboundConnection - atConnector);
  const share =
    percentPerSource >= 100 ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor((left * percentPerSource) / 100));
  return Math.min(maxPerSource ?? Number.POSITIVE_INFINITY, share);
}

function keyOf({ connector, source = '' }: Entry): string {
  return `${source} ${connector}`;
}

function bump(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
