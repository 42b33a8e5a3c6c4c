// Whether an address that DNS gave for a stranger's host is this machine: mail sent there would come back, or reach something
// that trusts whoever calls from within. Pure.

import { BlockList, isIP } from 'node:net';
import type { Endpoint } from '../config.ts';

export interface OwnPlaces {
  /** Where this server listens for mail. */
  readonly listening: readonly Endpoint[];
  /** The addresses of this machine's interfaces. */
  readonly interfaces: readonly string[];
}

/** This host on this network, and loopback (RFC 6890 §2.2.2), also as IPv4 within IPv6. */
const NOWHERE_ELSE = new BlockList();
NOWHERE_ELSE.addSubnet('0.0.0.0', 8);
NOWHERE_ELSE.addSubnet('127.0.0.0', 8);
NOWHERE_ELSE.addAddress('::', 'ipv6');
NOWHERE_ELSE.addAddress('::1', 'ipv6');

/** A loopback address on any port, and an address of ours on a port at which this server listens. */
export function isOwnPlace({ host, port }: Endpoint, { listening, interfaces }: OwnPlaces): boolean {
  if (isNowhereElse(host)) return true;
  const family = familyOf(host);
  const own = new BlockList();
  for (const address of interfaces) own.addAddress(address, familyOf(address));
  return own.check(host, family) && listening.some((each) => each.port === port);
}

/** An address that never leaves this machine. */
export function isNowhereElse(host: string): boolean {
  return NOWHERE_ELSE.check(host, familyOf(host));
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
