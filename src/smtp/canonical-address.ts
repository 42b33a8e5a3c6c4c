// An IP address as this server writes it everywhere, however somebody else wrote it.

import { isIP, SocketAddress } from 'node:net';

/** RFC 5952, an IPv4-mapped address as IPv4; undefined for a text that is no address, or one with a zone. */
export function canonicalAddress(text: string): string | undefined {
  const family = isIP(text);
  if (family === 0 || text.includes('%')) return undefined;
  const { address } = new SocketAddress({ address: text, family: family === 4 ? 'ipv4' : 'ipv6' });
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
