// Controls (RFC 4511 §4.1.11) and the object identifiers of every extension that is spoken here. Which control a server
// obeys is decided in session.ts; an unknown critical one is refused there.

import { BOOLEAN, type BerCursor, encode, encodeBoolean, encodeOctets, OCTET_STRING, SEQUENCE } from './ber.ts';

export const Oid = {
  /** Notice of Disconnection, RFC 4511 §4.4.1. */
  noticeOfDisconnection: '1.3.6.1.4.1.1466.20036',
  /** "Who am I?", RFC 4532. */
  whoAmI: '1.3.6.1.4.1.4203.1.11.3',
  /** RFC 5805 §2.1. */
  startTransaction: '1.3.6.1.1.21.1',
  /** RFC 5805 §2.2. */
  transactionSpecification: '1.3.6.1.1.21.2',
  /** RFC 5805 §2.3. */
  endTransaction: '1.3.6.1.1.21.3',
  /** RFC 2696. */
  pagedResults: '1.2.840.113556.1.4.319',
  /** Modify with increment, RFC 4525. */
  modifyIncrement: '1.3.6.1.1.14',
  /** Filters that are TRUE or FALSE, RFC 4526. */
  trueFalseFilters: '1.3.6.1.4.1.4203.1.5.3',
  /** All operational attributes by `+`, RFC 3673. */
  allOperationalAttributes: '1.3.6.1.4.1.4203.1.5.1',
} as const;

export interface Control {
  readonly oid: string;
  readonly critical: boolean;
  readonly value?: Buffer;
}

/** The tag of the list of controls at the end of a message. */
export const CONTROLS = 0xa0;

/** Reads one control; throws MalformedPdu. */
export function decodeControl(list: BerCursor): Control {
  const cursor = list.enter();
  const oid = cursor.readText();
  const critical = cursor.nextTag === BOOLEAN ? cursor.readBoolean() : false;
  const value = cursor.nextTag === OCTET_STRING ? cursor.readOctets() : undefined;
  return { oid, critical, ...(value === undefined ? {} : { value }) };
}

/** The controls as they end a message; nothing at all when there are none. */
export function encodeControls(controls: readonly Control[]): Buffer {
  if (controls.length === 0) return Buffer.alloc(0);
  return encode(CONTROLS, ...controls.map(encodeControl));
}

function encodeControl(control: Control): Buffer {
  const parts = [encodeOctets(control.oid)];
  if (control.critical) parts.push(encodeBoolean(true));
  if (control.value) parts.push(encodeOctets(control.value));
  return encode(SEQUENCE, ...parts);
}
