// Message tracking: what happened to each message, in Exchange's files (MSGTRKyyyymmdd-nnnn.log) and columns, and the
// search that Get-MessageTrackingLog makes in them. Recording never throws.

import type { Cancel, Clock } from '../clock.ts';
import type { LineListener, RotatingLog } from '../storage/rotating-log.ts';
import {
  completeEntry,
  formatTrackingRecord,
  parseTrackingRecord,
  TRACKING_FIELDS,
  type TrackingEntry,
  type TrackingRecord,
} from './tracking-record.ts';
import { openTransportLog, type TransportLogOptions } from './transport-log.ts';

export type { TrackingEntry, TrackingRecord } from './tracking-record.ts';

/** Every condition given must hold. Addresses, ids and subjects are compared without regard to letter case. */
export interface TrackingQuery {
  readonly start?: Date | undefined;
  readonly end?: Date | undefined;
  readonly eventId?: string | undefined;
  readonly source?: string | undefined;
  readonly sender?: string | undefined;
  /** Any one of them. */
  readonly recipients?: readonly string[] | undefined;
  /** With or without its angle brackets. */
  readonly messageId?: string | undefined;
  readonly internalMessageId?: string | number | undefined;
  readonly networkMessageId?: string | undefined;
  /** A part of the subject. */
  readonly messageSubject?: string | undefined;
  /** At most so many; 1000 when absent, as in Exchange. */
  readonly resultSize?: number | undefined;
  /** The last line first; default false, as in Exchange. */
  readonly newestFirst?: boolean | undefined;
}

const DEFAULT_RESULT_SIZE = 1000;

export class MessageTracking {
  readonly #lines: RotatingLog;
  readonly #clock: Clock;

  constructor(options: TransportLogOptions) {
    const kind = { prefix: 'MSGTRK', type: 'Message Tracking Log', fields: TRACKING_FIELDS };
    this.#lines = openTransportLog(options, kind);
    this.#clock = options.clock;
  }

  /** Writes down what happened to a message, now. */
  record(entry: TrackingEntry): void {
    const record = completeEntry(entry, this.#clock.now());
    this.append(formatTrackingRecord(record), record.timestamp);
  }

  /** Keeps a record that is a line already: a worker wrote it. */
  append(line: string, at: Date): void {
    this.#lines.append(line, at);
  }

  /** Calls `listener` with the line of each record that is kept from now on. */
  onLine(listener: LineListener): Cancel {
    return this.#lines.onLine(listener);
  }

  /** The records asked for. */
  async find(query: TrackingQuery = {}): Promise<TrackingRecord[]> {
    const { start, end, newestFirst = false, resultSize = DEFAULT_RESULT_SIZE } = query;
    const records: TrackingRecord[] = [];
    if (resultSize <= 0) return records;
    const isWanted = compileQuery(query);
    for await (const line of this.#lines.readLines({ newestFirst, from: start, until: end })) {
      const record = parseTrackingRecord(line);
      if (!record || !isWanted(record)) continue;
      records.push(record);
      if (records.length >= resultSize) break;
    }
    return records;
  }

  close(): void {
    this.#lines.close();
  }
}

type Condition = (record: TrackingRecord) => boolean;

function compileQuery(query: TrackingQuery): Condition {
  const { start, end, messageSubject } = query;
  const recipients = query.recipients && new Set(query.recipients.map(fold));
  const conditions: (Condition | undefined)[] = [
    start && ((record) => record.timestamp >= start),
    end && ((record) => record.timestamp <= end),
    equals(query.eventId, (record) => record.eventId),
    equals(query.source, (record) => record.source),
    equals(query.sender, (record) => record.sender),
    recipients && ((record) => record.recipients.some((recipient) => recipients.has(fold(recipient)))),
    equals(query.messageId, (record) => record.messageId),
    equals(query.internalMessageId?.toString(), (record) => record.internalMessageId),
    equals(query.networkMessageId, (record) => record.networkMessageId),
    messageSubject === undefined ? undefined : contains(messageSubject),
  ];
  const given = conditions.filter((condition) => condition !== undefined);
  return (record) => given.every((condition) => condition(record));
}

function equals(wanted: string | undefined, read: (record: TrackingRecord) => string): Condition | undefined {
  if (wanted === undefined) return undefined;
  const folded = fold(wanted);
  return (record) => fold(read(record)) === folded;
}

function contains(part: string): Condition {
  const folded = part.toLowerCase();
  return (record) => record.messageSubject.toLowerCase().includes(folded);
}

/** Ids are typed with and without angle brackets, addresses in any letter case. */
function fold(text: string): string {
  return text.replace(/^<(.*)>$/s, '$1').toLowerCase();
}
