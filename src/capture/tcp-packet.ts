// One TCP segment in its IP packet, made out of facts: RFC 791 and RFC 8200 headers, RFC 9293 segment, right lengths and
// checksums (RFC 1071). Pure.

import type { Endpoint } from '../config.ts';

/** The flags of a TCP header, to be added up. */
export const TCP_FLAG = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;

/** An end of a connection with its address in octets. */
export interface PacketEnd {
  /** 4 octets or 16. */
  readonly address: Buffer;
  readonly port: number;
}

export interface TcpPacket {
  /** Of one family. */
  readonly from: PacketEnd;
  readonly to: PacketEnd;
  readonly sequence: number;
  readonly acknowledgement: number;
  /** Of TCP_FLAG. */
  readonly flags: number;
  readonly payload?: Buffer;
  /** Announces in the header the longest segment that is taken; for a SYN. */
  readonly maxSegment?: number;
  /** Tells packets of one sender apart (IPv4). */
  readonly identification?: number;
}

const TCP = 6;
const HOPS = 64;
const DONT_FRAGMENT = 0x4000;
const TCP_HEADER_OCTETS = 20;
const IPV4_HEADER_OCTETS = 20;
const IPV6_HEADER_OCTETS = 40;
/** The room that either side announces; without scaling, so that none has to be known. */
export const WINDOW_OCTETS = 65_535;

/** What fits an Ethernet frame behind both headers. */
export function maxSegmentOf({ address }: PacketEnd): number {
  return 1500 - TCP_HEADER_OCTETS - (address.length === 4 ? IPV4_HEADER_OCTETS : IPV6_HEADER_OCTETS);
}

/** The packet, from its IP header on. */
export function encodeTcpPacket(packet: TcpPacket): Buffer {
  const { from, to, payload = Buffer.alloc(0) } = packet;
  const header = encodeTcpHeader(packet);
  const length = header.length + payload.length;
  header.writeUInt16BE(checksum([pseudoHeader(from.address, to.address, length), header, payload]), 16);
  const ip = from.address.length === 4 ? encodeIpv4Header(packet, length) : encodeIpv6Header(packet, length);
  return Buffer.concat([ip, header, payload]);
}

function encodeTcpHeader({ from, to, sequence, acknowledgement, flags, maxSegment }: TcpPacket): Buffer {
  const length = TCP_HEADER_OCTETS + (maxSegment === undefined ? 0 : 4);
  const header = Buffer.alloc(length);
  header.writeUInt16BE(from.port, 0);
  header.writeUInt16BE(to.port, 2);
  header.writeUInt32BE(sequence, 4);
  header.writeUInt32BE(acknowledgement, 8);
  header.writeUInt8((length / 4) << 4, 12);
  header.writeUInt8(flags, 13);
  header.writeUInt16BE(WINDOW_OCTETS, 14);
  if (maxSegment !== undefined) {
    header.writeUInt16BE(0x0204, TCP_HEADER_OCTETS);
    header.writeUInt16BE(maxSegment, TCP_HEADER_OCTETS + 2);
  }
  return header;
}

function encodeIpv4Header({ from, to, identification = 0 }: TcpPacket, payloadOctets: number): Buffer {
  const header = Buffer.alloc(IPV4_HEADER_OCTETS);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(IPV4_HEADER_OCTETS + payloadOctets, 2);
  header.writeUInt16BE(identification, 4);
  header.writeUInt16BE(DONT_FRAGMENT, 6);
  header.writeUInt8(HOPS, 8);
  header.writeUInt8(TCP, 9);
  from.address.copy(header, 12);
  to.address.copy(header, 16);
  header.writeUInt16BE(checksum([header]), 10);
  return header;
}

function encodeIpv6Header({ from, to }: TcpPacket, payloadOctets: number): Buffer {
  const header = Buffer.alloc(IPV6_HEADER_OCTETS);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(payloadOctets, 4);
  header.writeUInt8(TCP, 6);
  header.writeUInt8(HOPS, 7);
  from.address.copy(header, 8);
  to.address.copy(header, 24);
  return header;
}

/** What TCP's checksum also covers (RFC 9293 §3.1, RFC 8200 §8.1); both families' come to the same sum. */
function pseudoHeader(from: Buffer, to: Buffer, length: number): Buffer {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(length, 0);
  tail.writeUInt8(TCP, 7);
  return Buffer.concat([from, to, tail]);
}

/** The Internet checksum over pieces; each but the last has an even number of octets. */
function checksum(pieces: readonly Buffer[]): number {
  let sum = 0;
  for (const piece of pieces) {
    const even = piece.length & ~1;
    // Not by readUInt16BE: that one checks its place each time, and this is most of what a capture costs.
    for (let index = 0; index < even; index += 2) sum += ((piece[index] ?? 0) << 8) | (piece[index + 1] ?? 0);
    if (even < piece.length) sum += (piece[even] ?? 0) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** The end as a packet names it. Throws RangeError for what is no address. */
export function packetEnd({ host, port }: Endpoint): PacketEnd {
  return { address: addressOctets(host), port };
}

/** 4 or 16 octets of an address as Node writes it; IPv4 in the clothes of IPv6 (RFC 4291 §2.5.5.2) is IPv4. */
function addressOctets(text: string): Buffer {
  const [bare = ''] = text.split('%');
  if (!bare.includes(':')) return octetsOf(bare.split('.').map(Number), 4);
  const [before = '', after] = bare.split('::');
  const [left, right] = [groupsOf(before), groupsOf(after ?? '')];
  const gap = after === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: gap }, () => 0), ...right];
  const octets = octetsOf(
    groups.flatMap((group) => [group >> 8, group & 0xff]),
    16,
  );
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return isMapped ? octets.subarray(12) : octets;
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = Number.NaN, b = Number.NaN, c = Number.NaN, d = Number.NaN] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function octetsOf(values: readonly number[], length: number): Buffer {
  if (values.length !== length || values.some((value) => !Number.isInteger(value) || value < 0 || value > 255)) {
    throw new RangeError('not an IP address');
  }
  return Buffer.from(values);
}
