// Walking and building ASN.1 with node-forge, for what node:crypto cannot take apart or put together: PKCS#12, certificates.
// Everything here throws on a shape that is not as expected; whoever reads a file turns that into one sentence.

import forge from 'node-forge';

const { Class, Type } = forge.asn1;

type Asn1 = forge.asn1.Asn1;

/** Reads BER or DER; nothing may be cut off and nothing may follow the value. */
export function decodeAsn1(bytes: Buffer): Asn1 {
  return forge.asn1.fromDer(bytes.toString('latin1'), true);
}

/** Writes DER. */
export function encodeAsn1(node: Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(node).getBytes(), 'latin1');
}

/** The members of a SEQUENCE, SET or context tag. */
export function childrenOf(node: Asn1 | undefined): readonly Asn1[] {
  if (node === undefined || typeof node.value === 'string') throw new TypeError('a constructed ASN.1 value is missing');
  return node.value;
}

/** The member at `index`, which must be there. */
export function childOf(node: Asn1 | undefined, index: number): Asn1 {
  const child = childrenOf(node)[index];
  if (child === undefined) throw new TypeError('an ASN.1 value is missing');
  return child;
}

/** The dotted text of an OBJECT IDENTIFIER. */
export function oidOf(node: Asn1 | undefined): string {
  if (node?.type !== Type.OID || typeof node.value !== 'string') throw new TypeError('an OBJECT IDENTIFIER is missing');
  return forge.asn1.derToOid(node.value);
}

/** The bytes of an OCTET STRING or of an implicit tag over one; BER's chunks are put together. */
export function octetsOf(node: Asn1 | undefined): Buffer {
  if (node === undefined) throw new TypeError('an OCTET STRING is missing');
  if (typeof node.value === 'string') return Buffer.from(node.value, 'latin1');
  return Buffer.concat(node.value.map((chunk) => octetsOf(chunk)));
}

/** A small non-negative INTEGER. */
export function integerOf(node: Asn1 | undefined): number {
  if (node?.type !== Type.INTEGER || typeof node.value !== 'string') throw new TypeError('an INTEGER is missing');
  return forge.asn1.derToInteger(node.value);
}

export function sequence(...members: Asn1[]): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, members);
}

export function set(...members: Asn1[]): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.SET, true, members);
}

/** An EXPLICIT [0]. */
export function tagged(member: Asn1): Asn1 {
  return forge.asn1.create(Class.CONTEXT_SPECIFIC, 0, true, [member]);
}

export function oid(dotted: string): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.OID, false, forge.asn1.oidToDer(dotted).getBytes());
}

export function octets(bytes: Buffer): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, bytes.toString('latin1'));
}

/** A BIT STRING without unused bits. */
export function bitString(bytes: Buffer): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, `\0${bytes.toString('latin1')}`);
}

export function integer(value: number): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.INTEGER, false, forge.asn1.integerToDer(value).getBytes());
}

export function absent(): Asn1 {
  return forge.asn1.create(Class.UNIVERSAL, Type.NULL, false, '');
}

/** A BMPString, the only text that PKCS#12's friendlyName knows. */
export function bmpString(text: string): Asn1 {
  // Of this one type forge wants the text itself and writes its UTF-16 units.
  return forge.asn1.create(Class.UNIVERSAL, Type.BMPSTRING, false, text);
}
