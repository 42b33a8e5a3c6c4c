// The server's event log: EVENTyyyymmdd-nnnn.log, one JSON object a line. What repeats within an hour is counted, not
// written again, so an expired certificate does not fill the log. Every event recorded is also a line of the server's own
// log and reaches those who listen. Recording never throws.

import { BoundedMap } from '../bounded-map.ts';
import type { Cancel, Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { RotatingLog } from '../storage/rotating-log.ts';
import type { EventFact, EventLevel, EventSource } from './event.ts';
import type { ServerEvent } from './events.ts';
import { formatJsonLine, parseJsonLine } from './plain-text.ts';
import { openTransportLog, type TransportLogOptions } from './transport-log.ts';

/** An event as it stands in the log. */
export interface EventRecord {
  readonly time: Date;
  readonly id: number;
  readonly source: EventSource;
  readonly level: EventLevel;
  readonly symbolicName: string;
  readonly message: string;
  /** Dates have become ISO 8601 texts. */
  readonly facts: Readonly<Record<string, EventFact>>;
  /** How many like it came since the one before and were not written. */
  readonly suppressed: number;
}

export interface EventQuery {
  /** The last event first; default true. */
  readonly newestFirst?: boolean | undefined;
  readonly id?: number | undefined;
  readonly source?: EventSource | undefined;
  readonly level?: EventLevel | undefined;
  /** Events at this date or later. */
  readonly after?: Date | undefined;
  /** Events at this date or earlier. */
  readonly before?: Date | undefined;
  /** At most so many; 1000 when absent. */
  readonly limit?: number | undefined;
}

export interface EventLogOptions extends TransportLogOptions {
  /** Time, by the clock handed in, in which an event of the same id and key is not written again; one hour when absent. */
  readonly suppressForMs?: number;
}

export type EventListener = (record: EventRecord) => void;

const DEFAULT_SUPPRESS_FOR_MS = 3_600_000;
const DEFAULT_LIMIT = 1000;
/** Peers can make keys (their addresses): beyond this number the oldest is forgotten, and its event written again. */
const MAX_KEYS = 1000;
const PINO_LEVEL = { Information: 'info', Warning: 'warn', Error: 'error' } as const satisfies Record<
  EventLevel,
  string
>;

export class EventLog {
  readonly #lines: RotatingLog;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #suppressForMs: number;
  readonly #recent = new BoundedMap<string, { untilMs: number; suppressed: number }>(MAX_KEYS);
  readonly #listeners = new Set<EventListener>();

  constructor(options: EventLogOptions) {
    this.#lines = openTransportLog(options, { prefix: 'EVENT', type: 'Event Log', fields: ['json'] });
    this.#clock = options.clock;
    this.#log = options.log;
    this.#suppressForMs = options.suppressForMs ?? DEFAULT_SUPPRESS_FOR_MS;
  }

  /** Writes the event down, unless it repeats one of the last hour. */
  record(event: ServerEvent): void {
    const suppressed = this.#countRepeat(event);
    if (suppressed === undefined) return;
    const { id, source, level, symbolicName, message, facts } = event;
    const record: EventRecord = {
      time: this.#clock.now(),
      id,
      source,
      level,
      symbolicName,
      message,
      facts,
      suppressed,
    };
    this.#lines.append(formatJsonLine(record), record.time);
    this.#log[PINO_LEVEL[level]]({ event: id, source, symbolicName, ...(suppressed > 0 && { suppressed }) }, message);
    for (const listener of this.#listeners) this.#tell(listener, record);
  }

  /** The events asked for. */
  async read(query: EventQuery = {}): Promise<EventRecord[]> {
    const { newestFirst = true, after, before, limit = DEFAULT_LIMIT } = query;
    const records: EventRecord[] = [];
    if (limit <= 0) return records;
    for await (const line of this.#lines.readLines({ newestFirst, from: after, until: before })) {
      const record = parseRecord(line);
      if (!record || !matches(record, query)) continue;
      records.push(record);
      if (records.length >= limit) break;
    }
    return records;
  }

  /** Calls `listener` for each event written from now on. */
  onEvent(listener: EventListener): Cancel {
    // Wrapped, so that a listener registered twice is called twice and cancelled once.
    const entry: EventListener = (record) => listener(record);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  close(): void {
    this.#listeners.clear();
    this.#lines.close();
  }

  /** How many repeats were left out before this one; undefined when this one is to be left out as well. */
  #countRepeat({ id, key }: ServerEvent): number | undefined {
    if (key === undefined) return 0;
    const name = `${id} ${key}`;
    const known = this.#recent.get(name);
    const nowMs = this.#clock.elapsedMs();
    if (known && nowMs < known.untilMs) {
      known.suppressed += 1;
      return undefined;
    }
    this.#recent.set(name, { untilMs: nowMs + this.#suppressForMs, suppressed: 0 });
    return known?.suppressed ?? 0;
  }

  #tell(listener: EventListener, record: EventRecord): void {
    try {
      listener(record);
    } catch (error) {
      this.#log.error({ error: messageOf(error) }, 'a listener for events failed');
    }
  }
}

function matches(record: EventRecord, query: EventQuery): boolean {
  const { id, source, level, after, before } = query;
  if (id !== undefined && record.id !== id) return false;
  if (source !== undefined && record.source !== source) return false;
  if (level !== undefined && record.level !== level) return false;
  if (after && record.time < after) return false;
  return !(before && record.time > before);
}

function parseRecord(line: string): EventRecord | undefined {
  const value = parseJsonLine(line) as (Omit<EventRecord, 'time'> & { time: unknown }) | null | undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const time = new Date(String(value.time));
  const isWhole = typeof value.id === 'number' && typeof value.message === 'string' && !Number.isNaN(time.getTime());
  return isWhole ? { ...value, time } : undefined;
}
