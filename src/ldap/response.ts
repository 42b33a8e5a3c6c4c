// Every response of RFC 4511 as a value, written by the server and read by the client: results with their extra fields for
// bind and extended operations, entries, references, and the Notice of Disconnection (§4.4.1).

import { BerCursor, encode, encodeInteger, encodeOctets, ENUMERATED } from './ber.ts';
import { Oid } from './control.ts';
import type { LdapEntry } from './entry.ts';
import { encodeMessage, type LdapMessage, Tag } from './message.ts';
import type { LdapOutcome } from './result.ts';
import { encodeAttributes, readAttribute } from './update-request.ts';

const REFERRAL = 0xa3;
const SERVER_SASL_CREDENTIALS = 0x87;
const RESPONSE_NAME = 0x8a;
const RESPONSE_VALUE = 0x8b;

export interface LdapResult extends LdapOutcome {
  readonly matchedDn: string;
  readonly diagnosticMessage: string;
  /** URLs of a referral (RFC 4511 §4.1.10). */
  readonly referrals: readonly string[];
  /** Of an extended response. */
  readonly responseName?: string;
  readonly responseValue?: Buffer;
}

/** What an extended response says besides its result. */
export interface ExtendedDetails {
  readonly responseName?: string;
  readonly responseValue?: Buffer;
}

/** A result under the tag of its operation, RESPONSE_TAGS in request.ts. */
export function encodeResult(tag: number, outcome: LdapOutcome, details: ExtendedDetails = {}): Buffer {
  const parts = [
    encodeInteger(outcome.resultCode, ENUMERATED),
    encodeOctets(outcome.matchedDn ?? ''),
    encodeOctets(outcome.diagnosticMessage ?? ''),
  ];
  if (details.responseName !== undefined) parts.push(encodeOctets(details.responseName, RESPONSE_NAME));
  if (details.responseValue !== undefined) parts.push(encodeOctets(details.responseValue, RESPONSE_VALUE));
  return encode(tag, ...parts);
}

/** An entry that a search found. */
export function encodeEntry(entry: LdapEntry): Buffer {
  return encode(Tag.searchResultEntry, encodeOctets(entry.dn), encodeAttributes(entry.attributes));
}

/** A whole message that tells the peer why the connection ends. */
export function encodeNoticeOfDisconnection(outcome: LdapOutcome): Buffer {
  return encodeMessage(0, encodeResult(Tag.extendedResponse, outcome, { responseName: Oid.noticeOfDisconnection }));
}

/** Reads the result that ends an operation; throws MalformedPdu. */
export function decodeResult(message: LdapMessage): LdapResult {
  const cursor = new BerCursor(message.content);
  const resultCode = cursor.readEnumerated();
  const matchedDn = cursor.readText();
  // Servers have been met that answer in Latin-1 here: the text is for people and no reason to give up.
  const diagnosticMessage = cursor.readOctets().toString('utf8');
  const referrals = cursor.nextTag === REFERRAL ? cursor.enter(REFERRAL).readAll((each) => each.readText()) : [];
  if (cursor.nextTag === SERVER_SASL_CREDENTIALS) cursor.readOctets(SERVER_SASL_CREDENTIALS);
  const name = cursor.nextTag === RESPONSE_NAME ? { responseName: cursor.readText(RESPONSE_NAME) } : {};
  const value = cursor.nextTag === RESPONSE_VALUE ? { responseValue: cursor.readOctets(RESPONSE_VALUE) } : {};
  return { resultCode, matchedDn, diagnosticMessage, referrals, ...name, ...value };
}

/** Reads an entry; throws MalformedPdu. */
export function decodeEntry(message: LdapMessage): LdapEntry {
  const cursor = new BerCursor(message.content);
  const dn = cursor.readText();
  const attributes = new Map<string, readonly Buffer[]>();
  for (const { attribute, values } of cursor.enter().readAll(readAttribute)) attributes.set(attribute, values);
  return { dn, attributes };
}
