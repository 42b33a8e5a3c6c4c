// The four requests that change entries (RFC 4511 §4.6 to §4.9), read and written. Names are checked for their syntax here;
// whether the change may be made is the handler's affair.

import { BerCursor, encode, encodeBoolean, encodeInteger, encodeOctets, ENUMERATED, SEQUENCE, SET } from './ber.ts';
import { parseDn } from './dn.ts';
import type { Change, LdapOperation } from './entry.ts';
import { Tag } from './message.ts';
import { fault } from './result.ts';

const NEW_SUPERIOR = 0x80;
/** By number; increment is RFC 4525's. */
const CHANGE_KINDS = ['add', 'delete', 'replace', 'increment'] as const;

/** Reads a name; throws LdapFault invalidDNSyntax (34). */
export function readDn(cursor: BerCursor, tag?: number): string {
  const dn = cursor.readText(tag);
  checkDn(dn);
  return dn;
}

function checkDn(dn: string): number {
  try {
    return parseDn(dn).length;
  } catch (error) {
    throw fault('invalidDNSyntax', 'the distinguished name cannot be read', { cause: error });
  }
}

/** Reads the content of an update; undefined when `tag` is none. Throws MalformedPdu or LdapFault. */
export function decodeUpdate(tag: number, content: Buffer): LdapOperation | undefined {
  switch (tag) {
    case Tag.addRequest:
      return decodeAdd(new BerCursor(content));
    case Tag.modifyRequest:
      return decodeModify(new BerCursor(content));
    case Tag.deleteRequest: {
      // DelRequest is a name without a tag of its own: give it one, to read it like the others.
      return { kind: 'delete', dn: readDn(new BerCursor(encodeOctets(content))) };
    }
    case Tag.modifyDnRequest:
      return decodeRename(new BerCursor(content));
    default:
      return undefined;
  }
}

function decodeAdd(cursor: BerCursor): LdapOperation {
  const dn = readDn(cursor);
  const attributes = new Map<string, readonly Buffer[]>();
  for (const { attribute, values } of cursor.enter().readAll(readAttribute)) {
    if (attributes.has(attribute)) throw fault('attributeOrValueExists', 'an attribute is there twice');
    attributes.set(attribute, values);
  }
  return { kind: 'add', dn, attributes };
}

function decodeModify(cursor: BerCursor): LdapOperation {
  const dn = readDn(cursor);
  const changes = cursor.enter().readAll((list): Change => {
    const change = list.enter();
    const operation = CHANGE_KINDS[change.readEnumerated()];
    if (!operation) throw fault('protocolError', 'a change is neither add nor delete nor replace nor increment');
    return { operation, ...readAttribute(change) };
  });
  return { kind: 'modify', dn, changes };
}

function decodeRename(cursor: BerCursor): LdapOperation {
  const dn = readDn(cursor);
  const newRdn = cursor.readText();
  if (checkDn(newRdn) !== 1) throw fault('invalidDNSyntax', 'the new name must have one part');
  const deleteOldRdn = cursor.readBoolean();
  const newSuperior = cursor.nextTag === NEW_SUPERIOR ? readDn(cursor, NEW_SUPERIOR) : undefined;
  return { kind: 'rename', dn, newRdn, deleteOldRdn, ...(newSuperior === undefined ? {} : { newSuperior }) };
}

/** Attribute or PartialAttribute: a description and a set of values (RFC 4511 §4.1.7). */
export function readAttribute(list: BerCursor): { attribute: string; values: Buffer[] } {
  const cursor = list.enter();
  return { attribute: cursor.readText(), values: cursor.enter(SET).readAll((set) => set.readOctets()) };
}

/** The other way round. */
function encodeAttribute(attribute: string, values: readonly Buffer[]): Buffer {
  return encode(SEQUENCE, encodeOctets(attribute), encode(SET, ...values.map((value) => encodeOctets(value))));
}

/** Writes an update, tag included. */
export function encodeUpdate(operation: LdapOperation): Buffer {
  const dn = encodeOctets(operation.dn);
  switch (operation.kind) {
    case 'add':
      return encode(Tag.addRequest, dn, encodeAttributes(operation.attributes));
    case 'modify':
      return encode(Tag.modifyRequest, dn, encode(SEQUENCE, ...operation.changes.map(encodeChange)));
    case 'delete':
      return encodeOctets(operation.dn, Tag.deleteRequest);
    default: {
      const parts = [dn, encodeOctets(operation.newRdn), encodeBoolean(operation.deleteOldRdn)];
      if (operation.newSuperior !== undefined) parts.push(encodeOctets(operation.newSuperior, NEW_SUPERIOR));
      return encode(Tag.modifyDnRequest, ...parts);
    }
  }
}

/** An AttributeList. */
export function encodeAttributes(attributes: ReadonlyMap<string, readonly Buffer[]>): Buffer {
  return encode(SEQUENCE, ...Array.from(attributes, ([name, values]) => encodeAttribute(name, values)));
}

function encodeChange(change: Change): Buffer {
  const kind = encodeInteger(CHANGE_KINDS.indexOf(change.operation), ENUMERATED);
  return encode(SEQUENCE, kind, encodeAttribute(change.attribute, change.values));
}
