// Ranges of addresses as a Receive connector names them: one address, CIDR, or low-high, IPv4 or IPv6. Pure. An IPv4
// address that arrived on an IPv6 socket (::ffff:192.0.2.1) counts as what it is, IPv4.

import { isIP, isIPv6 } from 'node:net';
import { remembered } from './remembered.ts';

export interface IpRange {
  /** As it was written. */
  readonly text: string;
  readonly family: 4 | 6;
  readonly low: bigint;
  readonly high: bigint;
}

interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

const BITS = { 4: 32n, 6: 128n } as const;
const MAPPED_PREFIX = 0xffffn;

/** Reads "192.0.2.1", "192.0.2.0/24", "192.0.2.1-192.0.2.9" or the like in IPv6; undefined when it is none of them. */
export const parseIpRange = remembered(1000, readRange);

function readRange(text: string): IpRange | undefined {
  const [, first = '', separator, second = ''] = /^\s*([^/\s-]+)(?:\s*([/-])\s*([^/\s-]+))?\s*$/.exec(text) ?? [];
  const low = readAddress(first);
  if (!low) return undefined;
  if (separator === undefined) return { text, family: low.family, low: low.value, high: low.value };
  if (separator === '-') {
    const high = readAddress(second);
    return high?.family === low.family && high.value >= low.value
      ? { text, family: low.family, low: low.value, high: high.value }
      : undefined;
  }
  return readCidr(text, low, second);
}

/** A prefix that cuts through the address (192.0.2.1/24) means the network around it; ::ffff:192.0.2.0/120 is 192.0.2.0/24. */
function readCidr(text: string, address: Address, prefix: string): IpRange | undefined {
  if (!/^\d{1,3}$/.test(prefix)) return undefined;
  const writtenBits = text.includes(':') ? BITS[6] : BITS[4];
  const hostBits = writtenBits - BigInt(prefix);
  if (hostBits < 0n || hostBits > BITS[address.family]) return undefined;
  const low = (address.value >> hostBits) << hostBits;
  return { text, family: address.family, low, high: low | ((1n << hostBits) - 1n) };
}

const readAddress = remembered(1000, parseAddress);

function parseAddress(text: string): Address | undefined {
  const [address = ''] = text.split('%');
  if (isIP(address) === 4) return { family: 4, value: readIpv4(address) };
  if (!isIPv6(address)) return undefined;
  const value = readIpv6(address);
  return value >> 32n === MAPPED_PREFIX ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value };
}

function readIpv4(address: string): bigint {
  return address.split('.').reduce((value, octet) => (value << 8n) | BigInt(octet), 0n);
}

function readIpv6(address: string): bigint {
  const hexadecimal = address.replace(/(\d+\.\d+\.\d+\.\d+)$/, (dotted) => {
    const value = readIpv4(dotted);
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
  });
  const [head = '', tail] = hexadecimal.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/** True when the range holds the address; false for a text that is no address. */
export function rangeContains(range: IpRange, address: string): boolean {
  const candidate = readAddress(address);
  return candidate?.family === range.family && candidate.value >= range.low && candidate.value <= range.high;
}

/** How many addresses the range holds: the smaller, the more specific. */
export function rangeSize(range: IpRange): bigint {
  return range.high - range.low + 1n;
}

/** True when the two share an address and neither lies within the other: then no address could say which one is meant. */
export function isCrossing(a: IpRange, b: IpRange): boolean {
  if (a.family !== b.family || a.high < b.low || b.high < a.low) return false;
  const aHoldsB = a.low <= b.low && a.high >= b.high;
  const bHoldsA = b.low <= a.low && b.high >= a.high;
  return !aHoldsB && !bHoldsA;
}

/** One text for one source: the address, or of IPv6 the network of 64 bits, all of which a single subscriber has at its disposal. */
export function sourceOf(address: string): string {
  const read = readAddress(address);
  if (!read) return address;
  return read.family === 6 ? `${read.value >> 64n}/64` : String(read.value);
}

/** Whether only this machine can reach the host. Of names only localhost is one. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
