// Rows of the PostgreSQL spool into messages and back: pure. The octets and checksums are those of the embedded spool.

import { asBuffer } from './body-reader.ts';
import { type DeliveryState, decodeState, encodeState, freshState } from './delivery-state.ts';
import { checksumHead, decodeEnvelope, encodeEnvelope } from './envelope-codec.ts';
import type { DamagedMessage, SpooledMessage } from './spool.ts';
import type { LoadedMessage, UnstoredMessage } from './spool-database.ts';

/** The columns of a message without its body. */
const MESSAGE_COLUMNS = [
  'id',
  'received_ms',
  'due_ms',
  'body_size',
  'checksum',
  'body_checksum',
  'envelope',
  'trace',
  'owner',
  'revision',
  'suspended',
  'attempts',
  'next_attempt_ms',
  'recipients',
  'state_checksum',
  'damage',
  'damaged_ms',
] as const;

export interface MessageRow {
  readonly id: number;
  readonly received_ms: number;
  readonly due_ms: number;
  readonly body_size: number;
  readonly checksum: Buffer;
  readonly body_checksum: Buffer;
  readonly envelope: Buffer;
  readonly trace: Buffer;
  readonly owner: number | null;
  readonly revision: number;
  readonly suspended: number;
  readonly attempts: number | null;
  readonly next_attempt_ms: number | null;
  readonly recipients: string | null;
  readonly state_checksum: Buffer | null;
  readonly damage: string | null;
  readonly damaged_ms: number | null;
}

/** `m.id, m.envelope, …`. */
export function columnsOf(alias: string): string {
  return MESSAGE_COLUMNS.map((column) => `${alias}.${column}`).join(', ');
}

/** A message that has its id and is about to be stored. */
export interface NumberedMessage extends UnstoredMessage {
  readonly id: number;
}

/** What `insert` takes for each message, with the types of the columns. */
export const INSERTED = [
  ['id', 'bigint'],
  ['received_ms', 'bigint'],
  ['due_ms', 'bigint'],
  ['body_size', 'bigint'],
  ['checksum', 'bytea'],
  ['body_checksum', 'bytea'],
  ['envelope', 'bytea'],
  ['trace', 'bytea'],
  ['body', 'bytea'],
] as const;

/** The values of those columns; `body` is null where it is in pieces. */
export function encodeMessage({ id, envelope, traceFields, body }: NumberedMessage): unknown[] {
  const octets = encodeEnvelope(envelope);
  const { sizeBytes, checksum, content } = body;
  const head = { envelope: octets, traceFields, bodySizeBytes: sizeBytes, bodyChecksum: checksum };
  const receivedMs = envelope.receivedAt.getTime();
  return [id, receivedMs, receivedMs, sizeBytes, checksumHead(head), checksum, octets, traceFields, content ?? null];
}

/** What a stored message is to others. */
export function freshMessage({ id, envelope, traceFields, body }: NumberedMessage): SpooledMessage {
  return { id, envelope, traceFields, bodySizeBytes: body.sizeBytes, ...freshState(envelope) };
}

/** Checks a row and makes a message of it. */
export function decodeMessage(row: MessageRow): LoadedMessage {
  const { id, envelope: octets, trace: traceFields, body_size: bodySizeBytes } = row;
  if (!hasGoodHead(row)) return damaged('the checksum of its envelope is wrong');
  const envelope = decodeEnvelope(octets);
  if (row.received_ms !== envelope.receivedAt.getTime()) {
    return damaged('its time of receipt is not the one in its envelope');
  }
  const state = readState(row, envelope);
  if (!state) return damaged('the checksum of its delivery state is wrong');
  return { kind: 'good', message: { id, envelope, traceFields: asBuffer(traceFields), bodySizeBytes, ...state } };
}

function hasGoodHead(row: MessageRow): boolean {
  const { envelope, trace: traceFields, body_size: bodySizeBytes, body_checksum: bodyChecksum, checksum } = row;
  return checksumHead({ envelope, traceFields, bodySizeBytes, bodyChecksum }).equals(checksum);
}

function damaged(reason: string): LoadedMessage {
  return { kind: 'damaged', reason };
}

function readState(row: MessageRow, envelope: SpooledMessage['envelope']): DeliveryState | undefined {
  const { id, attempts, next_attempt_ms: nextAttemptMs, suspended, recipients, state_checksum: checksum } = row;
  if (checksum === null) {
    // A fresh message has no state at all: one that lost a part of it is not fresh.
    return attempts === null && nextAttemptMs === null && recipients === null && suspended === 0
      ? freshState(envelope)
      : undefined;
  }
  if (attempts === null || nextAttemptMs === null || recipients === null) return undefined;
  return decodeState(id, envelope, { attempts, nextAttemptMs, suspended, recipients, checksum });
}

/** The columns that a settlement changes, in the order of SETTLED. */
export const SETTLED = [
  ['id', 'bigint'],
  ['due_ms', 'bigint'],
  ['suspended', 'smallint'],
  ['attempts', 'integer'],
  ['next_attempt_ms', 'bigint'],
  ['recipients', 'text'],
  ['state_checksum', 'bytea'],
] as const;

export function encodeSettled(id: number, state: DeliveryState): unknown[] {
  const { attempts, nextAttemptMs, suspended, recipients, checksum } = encodeState(id, state);
  return [id, nextAttemptMs, suspended, attempts, nextAttemptMs, recipients, checksum];
}

/** A message that was set aside, with its envelope where that can be trusted. */
export function describeDamaged(row: MessageRow): DamagedMessage {
  const found = { id: row.id, reason: row.damage ?? '', foundAt: new Date(row.damaged_ms ?? 0) };
  if (!hasGoodHead(row)) return found;
  const loaded = decodeMessage(row);
  const recipients = loaded.kind === 'good' ? loaded.message.recipients : undefined;
  return { ...found, envelope: decodeEnvelope(row.envelope), ...(recipients && { recipients }) };
}

/** `($2::bigint, $3::text), ($4, $5)`: rows of parameters from the `first` on, whose types the first row tells. */
export function placeholders(columns: readonly (readonly [string, string])[], rows: number, first: number): string {
  return Array.from({ length: rows }, (_, row) => {
    const places = columns.map(([, type], index) => `$${first + row * columns.length + index}::${type}`);
    return `(${places.join(', ')})`;
  }).join(', ');
}
