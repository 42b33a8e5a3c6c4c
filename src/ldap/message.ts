// The envelope around every request and response (RFC 4511 §4.1.1): message id, operation, controls. What stands inside an
// operation is request.ts, update-request.ts and response.ts.

import { BerCursor, encode, encodeInteger, SEQUENCE } from './ber.ts';
import { MalformedPdu } from './ber-guard.ts';
import { type Control, CONTROLS, decodeControl, encodeControls } from './control.ts';

/** Tags of the operations, RFC 4511 §4.2 to §4.14. */
export const Tag = {
  bindRequest: 0x60,
  bindResponse: 0x61,
  unbindRequest: 0x42,
  searchRequest: 0x63,
  searchResultEntry: 0x64,
  searchResultDone: 0x65,
  searchResultReference: 0x73,
  modifyRequest: 0x66,
  modifyResponse: 0x67,
  addRequest: 0x68,
  addResponse: 0x69,
  deleteRequest: 0x4a,
  deleteResponse: 0x6b,
  modifyDnRequest: 0x6c,
  modifyDnResponse: 0x6d,
  compareRequest: 0x6e,
  compareResponse: 0x6f,
  abandonRequest: 0x50,
  extendedRequest: 0x77,
  extendedResponse: 0x78,
  intermediateResponse: 0x79,
} as const;

export const MAX_MESSAGE_ID = 2 ** 31 - 1;

export interface LdapMessage {
  /** 0 in unsolicited notifications, 1 and above elsewhere. */
  readonly messageId: number;
  /** One of Tag. */
  readonly tag: number;
  /** The content of the operation, not yet decoded. */
  readonly content: Buffer;
  readonly controls: readonly Control[];
  readonly sizeBytes: number;
}

const TAGS: ReadonlySet<number> = new Set(Object.values(Tag));

/** Reads the envelope of one message that a PduCutter gave; throws MalformedPdu. */
export function decodeMessage(pdu: Buffer): LdapMessage {
  const cursor = new BerCursor(pdu).enter();
  const messageId = cursor.readInteger();
  if (messageId < 0) throw new MalformedPdu('a message id is negative');
  const tag = cursor.nextTag;
  if (tag === undefined || !TAGS.has(tag)) throw new MalformedPdu('a message bears no operation of LDAP');
  const content = cursor.readOctets(tag);
  const controls = cursor.nextTag === CONTROLS ? cursor.enter(CONTROLS).readAll(decodeControl) : [];
  return { messageId, tag, content, controls, sizeBytes: pdu.length };
}

/** One message; `operation` is a whole element, tag included. */
export function encodeMessage(messageId: number, operation: Buffer, controls: readonly Control[] = []): Buffer {
  return encode(SEQUENCE, encodeInteger(messageId), operation, encodeControls(controls));
}
