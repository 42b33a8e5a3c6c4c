// An IP address as this server writes it everywhere, however somebody else wrote it.

import { isIPv4, isIPv6, SocketAddress } from 'node:net';

/** RFC 5952, an IPv4-mapped address as IPv4; undefined for a text that is no address, or one with a zone. */
export function canonicalAddress(text: string): string | undefined {
  // Of IPv4 there is one way to write an address, as far as Node takes it for one.
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
