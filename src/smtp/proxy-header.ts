// The header of the PROXY protocol, versions 1 and 2 (the specification that comes with HAProxy): what a balancer says about
// the client before the client's own octets. Pure. Strict: whatever the specification does not allow is no header.

import { canonicalAddress } from './canonical-address.ts';

export interface ProxiedClient {
  readonly address: string;
  readonly port: number;
}

export type ProxyHeader =
  /** More octets are needed. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed' }
  /** `client` undefined: the balancer speaks for itself (LOCAL, a health check) or does not know (UNKNOWN, UNSPEC). */
  | { readonly kind: 'whole'; readonly lengthBytes: number; readonly client: ProxiedClient | undefined };

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Signature, version and command, family, length. */
const FIXED_BYTES = 16;
/** With CRLF (§2.1). */
const MAX_TEXT_BYTES = 107;
/** Addresses and whatever is added to them (TLV, §2.2), which is not read. */
const MAX_BINARY_BYTES = 4096;
const TEXT_START = Buffer.from('PROXY ');

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' };
const MALFORMED: ProxyHeader = { kind: 'malformed' };

/** Reads a header at the start of what has come so far. */
export function readProxyHeader(octets: Buffer): ProxyHeader {
  if (startsLike(octets, SIGNATURE)) return readBinary(octets);
  return startsLike(octets, TEXT_START) ? readText(octets) : MALFORMED;
}

/** As far as either goes. */
function startsLike(octets: Buffer, beginning: Buffer): boolean {
  const length = Math.min(octets.length, beginning.length);
  return octets.subarray(0, length).equals(beginning.subarray(0, length));
}

function readText(octets: Buffer): ProxyHeader {
  const end = octets.subarray(0, MAX_TEXT_BYTES).indexOf('\r\n');
  if (end === -1) return octets.length < MAX_TEXT_BYTES ? INCOMPLETE : MALFORMED;
  const lengthBytes = end + 2;
  const line = octets.toString('latin1', 0, end);
  if (/^PROXY UNKNOWN(?: .*)?$/.test(line)) return { kind: 'whole', lengthBytes, client: undefined };
  const [, family, source = '', target = '', port = '', targetPort = ''] =
    /^PROXY TCP([46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/.exec(line) ?? [];
  const isSound = [source, target].every((address) => address.includes(':') === (family === '6'));
  const isPortSound = [port, targetPort].every((text) => Number(text) <= 65_535);
  const address = canonicalAddress(source);
  if (family === undefined || !isSound || !isPortSound || address === undefined) return MALFORMED;
  if (canonicalAddress(target) === undefined) return MALFORMED;
  return { kind: 'whole', lengthBytes, client: { address, port: Number(port) } };
}

function readBinary(octets: Buffer): ProxyHeader {
  if (octets.length < FIXED_BYTES) return INCOMPLETE;
  const versionAndCommand = octets.readUInt8(12);
  const familyAndProtocol = octets.readUInt8(13);
  const addedBytes = octets.readUInt16BE(14);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2 || command > 1 || addedBytes > MAX_BINARY_BYTES) return MALFORMED;
  const lengthBytes = FIXED_BYTES + addedBytes;
  if (octets.length < lengthBytes) return INCOMPLETE;
  if (command === 0) return { kind: 'whole', lengthBytes, client: undefined };
  return readBinaryClient(octets.subarray(FIXED_BYTES, lengthBytes), familyAndProtocol, lengthBytes);
}

/** TCP over IPv4 is 0x11, over IPv6 0x21; whatever else is no mail client. */
function readBinaryClient(block: Buffer, familyAndProtocol: number, lengthBytes: number): ProxyHeader {
  if (familyAndProtocol === 0) return { kind: 'whole', lengthBytes, client: undefined };
  const addressBytes = { 0x11: 4, 0x21: 16 }[familyAndProtocol];
  if (addressBytes === undefined || block.length < 2 * addressBytes + 4) return MALFORMED;
  const source = block.subarray(0, addressBytes);
  const text = addressBytes === 4 ? source.join('.') : (source.toString('hex').match(/.{4}/g) ?? []).join(':');
  const address = canonicalAddress(text);
  if (address === undefined) return MALFORMED;
  return { kind: 'whole', lengthBytes, client: { address, port: block.readUInt16BE(2 * addressBytes) } };
}
