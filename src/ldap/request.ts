// Every request of RFC 4511 as a value, read and written; the updates are in update-request.ts. Reading a broken structure is
// a MalformedPdu and costs the connection; what merely makes no sense is an LdapFault and is answered.

import { BerCursor, encode, encodeBoolean, encodeInteger, encodeOctets, ENUMERATED, INTEGER, SEQUENCE } from './ber.ts';
import { MalformedPdu } from './ber-guard.ts';
import type { LdapOperation } from './entry.ts';
import { decodeFilter, encodeFilter } from './filter-ber.ts';
import type { Filter } from './filter-tree.ts';
import { type LdapMessage, Tag } from './message.ts';
import { fault } from './result.ts';
import { decodeUpdate, encodeUpdate, readDn } from './update-request.ts';

const SCOPES = ['base', 'one', 'sub'] as const;
const SIMPLE = 0x80;
const SASL = 0xa3;
const EXTENDED_NAME = 0x80;
const EXTENDED_VALUE = 0x81;

export type SearchScope = (typeof SCOPES)[number];

export interface SearchRequest {
  readonly base: string;
  readonly scope: SearchScope;
  /** Entries at most; 0 for no limit. */
  readonly sizeLimit: number;
  /** 0 for no limit. */
  readonly timeLimitSeconds: number;
  readonly typesOnly: boolean;
  readonly filter: Filter;
  /** As asked for, `*`, `+` and `1.1` among them. */
  readonly attributes: readonly string[];
}

export interface CompareRequest {
  readonly dn: string;
  readonly attribute: string;
  readonly value: Buffer;
}

export interface BindRequest {
  readonly version: number;
  readonly dn: string;
  readonly authentication:
    | { readonly kind: 'simple'; readonly password: Buffer }
    | { readonly kind: 'sasl'; readonly mechanism: string; readonly credentials?: Buffer };
}

export type LdapRequest =
  | ({ readonly kind: 'bind' } & BindRequest)
  | { readonly kind: 'unbind' }
  | { readonly kind: 'abandon' }
  | ({ readonly kind: 'search' } & SearchRequest)
  | ({ readonly kind: 'compare' } & CompareRequest)
  | { readonly kind: 'update'; readonly operation: LdapOperation }
  | { readonly kind: 'extended'; readonly oid: string; readonly value?: Buffer };

/** The tag that answers a request with this tag; undefined for unbind and abandon, which have no answer, and for answers. */
export const RESPONSE_TAGS: ReadonlyMap<number, number> = new Map([
  [Tag.bindRequest, Tag.bindResponse],
  [Tag.searchRequest, Tag.searchResultDone],
  [Tag.modifyRequest, Tag.modifyResponse],
  [Tag.addRequest, Tag.addResponse],
  [Tag.deleteRequest, Tag.deleteResponse],
  [Tag.modifyDnRequest, Tag.modifyDnResponse],
  [Tag.compareRequest, Tag.compareResponse],
  [Tag.extendedRequest, Tag.extendedResponse],
]);

/** Reads what a message asks for; throws MalformedPdu or LdapFault. */
export function decodeRequest(message: LdapMessage): LdapRequest {
  const cursor = new BerCursor(message.content);
  switch (message.tag) {
    case Tag.bindRequest:
      return decodeBind(cursor);
    case Tag.unbindRequest:
      return { kind: 'unbind' };
    case Tag.abandonRequest:
      return { kind: 'abandon' };
    case Tag.searchRequest:
      return decodeSearch(cursor);
    case Tag.compareRequest:
      return decodeCompare(cursor);
    case Tag.extendedRequest:
      return decodeExtended(cursor);
    default: {
      const operation = decodeUpdate(message.tag, message.content);
      if (!operation) throw new MalformedPdu('a response came where a request should be');
      return { kind: 'update', operation };
    }
  }
}

/** The id of the message that an abandon request is about; throws MalformedPdu. */
export function decodeAbandon({ content }: LdapMessage): number {
  // AbandonRequest is a number without a tag of its own: give it one, to read it like the others.
  return new BerCursor(encode(INTEGER, content)).readInteger();
}

function decodeBind(cursor: BerCursor): LdapRequest {
  const version = cursor.readInteger();
  const dn = readDn(cursor);
  if (cursor.nextTag === SIMPLE) {
    return { kind: 'bind', version, dn, authentication: { kind: 'simple', password: cursor.readOctets(SIMPLE) } };
  }
  if (cursor.nextTag !== SASL) throw fault('authMethodNotSupported', 'bind is by password or by SASL');
  const sasl = cursor.enter(SASL);
  const mechanism = sasl.readText();
  const credentials = sasl.atEnd ? {} : { credentials: sasl.readOctets() };
  return { kind: 'bind', version, dn, authentication: { kind: 'sasl', mechanism, ...credentials } };
}

function decodeSearch(cursor: BerCursor): LdapRequest {
  const base = readDn(cursor);
  const scope = SCOPES[cursor.readEnumerated()];
  if (!scope) throw fault('protocolError', 'the scope of the search is neither base nor one nor sub');
  // No aliases are kept here, so that following them or not is the same.
  cursor.readEnumerated();
  return {
    kind: 'search',
    base,
    scope,
    sizeLimit: readLimit(cursor),
    timeLimitSeconds: readLimit(cursor),
    typesOnly: cursor.readBoolean(),
    filter: decodeFilter(cursor),
    attributes: cursor.enter().readAll((list) => list.readText()),
  };
}

function readLimit(cursor: BerCursor): number {
  const limit = cursor.readInteger();
  if (limit < 0) throw fault('protocolError', 'a limit of the search is negative');
  return limit;
}

function decodeCompare(cursor: BerCursor): LdapRequest {
  const dn = readDn(cursor);
  const assertion = cursor.enter();
  return { kind: 'compare', dn, attribute: assertion.readText(), value: assertion.readOctets() };
}

function decodeExtended(cursor: BerCursor): LdapRequest {
  const oid = cursor.readText(EXTENDED_NAME);
  const value = cursor.nextTag === EXTENDED_VALUE ? { value: cursor.readOctets(EXTENDED_VALUE) } : {};
  return { kind: 'extended', oid, ...value };
}

/** Writes a request, tag included. Abandon is never sent from here. */
export function encodeRequest(request: Exclude<LdapRequest, { kind: 'abandon' }>): Buffer {
  switch (request.kind) {
    case 'bind':
      return encodeBind(request);
    case 'unbind':
      return encode(Tag.unbindRequest);
    case 'search':
      return encodeSearch(request);
    case 'compare': {
      const assertion = encode(SEQUENCE, encodeOctets(request.attribute), encodeOctets(request.value));
      return encode(Tag.compareRequest, encodeOctets(request.dn), assertion);
    }
    case 'update':
      return encodeUpdate(request.operation);
    default: {
      const value = request.value === undefined ? [] : [encodeOctets(request.value, EXTENDED_VALUE)];
      return encode(Tag.extendedRequest, encodeOctets(request.oid, EXTENDED_NAME), ...value);
    }
  }
}

function encodeBind(request: BindRequest): Buffer {
  const { authentication } = request;
  const head = [encodeInteger(request.version), encodeOctets(request.dn)];
  if (authentication.kind === 'simple') {
    return encode(Tag.bindRequest, ...head, encodeOctets(authentication.password, SIMPLE));
  }
  const credentials = authentication.credentials === undefined ? [] : [encodeOctets(authentication.credentials)];
  return encode(Tag.bindRequest, ...head, encode(SASL, encodeOctets(authentication.mechanism), ...credentials));
}

function encodeSearch(request: SearchRequest): Buffer {
  return encode(
    Tag.searchRequest,
    encodeOctets(request.base),
    encodeInteger(SCOPES.indexOf(request.scope), ENUMERATED),
    encodeInteger(0, ENUMERATED),
    encodeInteger(request.sizeLimit),
    encodeInteger(request.timeLimitSeconds),
    encodeBoolean(request.typesOnly),
    encodeFilter(request.filter),
    encode(SEQUENCE, ...request.attributes.map((name) => encodeOctets(name))),
  );
}
