// One line of the message tracking log: Exchange 2007's columns in their order, then network-message-id and custom-data.
// Fields are escaped so that a record is one printable line; a list is joined with semicolons.

import { formatCsvLine, parseCsvLine } from './csv.ts';
import { escapeText, joinTexts, splitTexts, unescapeText } from './plain-text.ts';

export const TRACKING_EVENT_IDS = [
  'RECEIVE',
  'SEND',
  'DELIVER',
  'DEFER',
  'FAIL',
  'DSN',
  'TRANSFER',
  'RESUBMIT',
  'SUBMIT',
  'BADMAIL',
  'POISONMESSAGE',
] as const;
export const TRACKING_SOURCES = ['SMTP', 'DSN', 'ROUTING', 'QUEUE', 'ADMIN', 'STOREDRIVER'] as const;

/** What happened to the message. */
export type TrackingEventId = (typeof TRACKING_EVENT_IDS)[number];
/** Which part of transport it happened in. */
type TrackingSource = (typeof TRACKING_SOURCES)[number];

/** A line as read back; what was not known is empty. */
export interface TrackingRecord {
  readonly timestamp: Date;
  readonly eventId: TrackingEventId;
  readonly source: TrackingSource;
  readonly clientIp: string;
  readonly clientHostname: string;
  readonly serverIp: string;
  readonly serverHostname: string;
  readonly sourceContext: string;
  readonly connectorId: string;
  readonly internalMessageId: string;
  /** As in the header field, angle brackets included. */
  readonly messageId: string;
  readonly recipients: readonly string[];
  /** One for each recipient, in the same order: "250 2.1.5 Recipient OK". */
  readonly recipientStatus: readonly string[];
  readonly totalBytes: number | undefined;
  readonly recipientCount: number;
  readonly relatedRecipientAddress: string;
  readonly reference: readonly string[];
  readonly messageSubject: string;
  readonly sender: string;
  readonly returnPath: string;
  readonly messageInfo: string;
  readonly networkMessageId: string;
  /** An opaque text, JSON as a rule: the decision card's summary. */
  readonly customData: string;
}

type Known = 'timestamp' | 'eventId' | 'source' | 'internalMessageId';

/** What is known about a message when something happens to it. */
export type TrackingEntry = Pick<TrackingRecord, 'eventId' | 'source'> & {
  readonly [Key in Exclude<keyof TrackingRecord, Known>]?: TrackingRecord[Key] | undefined;
} & { readonly internalMessageId?: string | number | undefined };

interface Column {
  readonly name: string;
  readonly write: (record: TrackingRecord) => string;
  readonly read: (field: string) => Partial<TrackingRecord>;
}

type KeyOf<Value> = {
  [Key in keyof TrackingRecord]-?: TrackingRecord[Key] extends Value ? Key : never;
}[keyof TrackingRecord];

/** Longer texts are cut: a subject or a source context has no business being longer. */
const MAX_TEXT_LENGTH = 4096;

function text(name: string, key: Exclude<KeyOf<string>, 'eventId' | 'source'>): Column {
  const limit = key === 'customData' ? Number.POSITIVE_INFINITY : MAX_TEXT_LENGTH;
  return {
    name,
    write: (record) => escapeText(record[key].slice(0, limit)),
    read: (field) => ({ [key]: unescapeText(field) }),
  };
}

function list(name: string, key: KeyOf<readonly string[]>): Column {
  return { name, write: (record) => joinTexts(record[key]), read: (field) => ({ [key]: splitTexts(field) }) };
}

const COLUMNS: readonly Column[] = [
  {
    name: 'date-time',
    write: (record) => record.timestamp.toISOString(),
    read: (field) => ({ timestamp: new Date(field) }),
  },
  text('client-ip', 'clientIp'),
  text('client-hostname', 'clientHostname'),
  text('server-ip', 'serverIp'),
  text('server-hostname', 'serverHostname'),
  text('source-context', 'sourceContext'),
  text('connector-id', 'connectorId'),
  { name: 'source', write: (record) => record.source, read: (field) => ({ source: field as TrackingSource }) },
  { name: 'event-id', write: (record) => record.eventId, read: (field) => ({ eventId: field as TrackingEventId }) },
  text('internal-message-id', 'internalMessageId'),
  text('message-id', 'messageId'),
  list('recipient-address', 'recipients'),
  list('recipient-status', 'recipientStatus'),
  {
    name: 'total-bytes',
    write: (record) => String(record.totalBytes ?? ''),
    read: (field) => ({ totalBytes: field === '' ? undefined : Number(field) }),
  },
  {
    name: 'recipient-count',
    write: (record) => String(record.recipientCount),
    read: (field) => ({ recipientCount: Number(field) }),
  },
  text('related-recipient-address', 'relatedRecipientAddress'),
  list('reference', 'reference'),
  text('message-subject', 'messageSubject'),
  text('sender-address', 'sender'),
  text('return-path', 'returnPath'),
  text('message-info', 'messageInfo'),
  text('network-message-id', 'networkMessageId'),
  text('custom-data', 'customData'),
];

/** The columns' names in their order, for the header. */
export const TRACKING_FIELDS: readonly string[] = COLUMNS.map((column) => column.name);

/** The whole record of an entry made at `timestamp`. Key by key: one is made for each message, and what is copied by name is slow. */
export function completeEntry(entry: TrackingEntry, timestamp: Date): TrackingRecord {
  return {
    timestamp,
    eventId: entry.eventId,
    source: entry.source,
    clientIp: entry.clientIp ?? '',
    clientHostname: entry.clientHostname ?? '',
    serverIp: entry.serverIp ?? '',
    serverHostname: entry.serverHostname ?? '',
    sourceContext: entry.sourceContext ?? '',
    connectorId: entry.connectorId ?? '',
    internalMessageId: String(entry.internalMessageId ?? ''),
    messageId: entry.messageId ?? '',
    recipients: entry.recipients ?? [],
    recipientStatus: entry.recipientStatus ?? [],
    totalBytes: entry.totalBytes,
    recipientCount: entry.recipientCount ?? entry.recipients?.length ?? 0,
    relatedRecipientAddress: entry.relatedRecipientAddress ?? '',
    reference: entry.reference ?? [],
    messageSubject: entry.messageSubject ?? '',
    sender: entry.sender ?? '',
    returnPath: entry.returnPath ?? '',
    messageInfo: entry.messageInfo ?? '',
    networkMessageId: entry.networkMessageId ?? '',
    customData: entry.customData ?? '',
  };
}

/** The record as one line of the log. */
export function formatTrackingRecord(record: TrackingRecord): string {
  return formatCsvLine(COLUMNS.map((column) => column.write(record)));
}

/** The record of a line; undefined when the line is none that this product wrote. */
export function parseTrackingRecord(line: string): TrackingRecord | undefined {
  const fields = parseCsvLine(line);
  if (!fields) return undefined;
  const record = readColumns(fields);
  const isKnown = TRACKING_EVENT_IDS.includes(record.eventId) && TRACKING_SOURCES.includes(record.source);
  return isKnown && !Number.isNaN(record.timestamp.getTime()) ? record : undefined;
}

/** Columns that came with a later version are empty in an older file. */
function readColumns(fields: readonly string[]): TrackingRecord {
  return Object.assign({}, ...COLUMNS.map((column, index) => column.read(fields[index] ?? ''))) as TrackingRecord;
}
