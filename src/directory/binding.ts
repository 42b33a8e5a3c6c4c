// Bindings of a Receive connector: `192.0.2.1:25`, `[::]:25`, port 0 for whichever the system gives. Pure.

import { isIP } from 'node:net';
import { formatEndpoint, parseEndpoint } from '../config.ts';
import { parseIpRange, rangeContains } from '../ip-range.ts';

/** The binding in the form in which it is kept; undefined when the text is none. Names are none: only addresses can be bound. */
export function normalizeBinding(text: string): string | undefined {
  const endpoint = parseEndpoint(text);
  return endpoint && isIP(endpoint.host) !== 0 ? formatEndpoint(endpoint) : undefined;
}

/** True when a connection that came in at this address and port came in by one of the bindings; no bindings are all. */
export function isBoundTo(bindings: readonly string[], local: { localAddress: string; localPort: number }): boolean {
  return bindings.length === 0 || bindings.some((binding) => matchesBinding(binding, local));
}

function matchesBinding(
  binding: string,
  { localAddress, localPort }: { localAddress: string; localPort: number },
): boolean {
  const endpoint = parseEndpoint(binding);
  if (!endpoint || (endpoint.port !== 0 && endpoint.port !== localPort)) return false;
  // A socket bound to :: takes IPv4 too, as ::ffff:192.0.2.1.
  if (endpoint.host === '::') return true;
  const range = parseIpRange(endpoint.host === '0.0.0.0' ? '0.0.0.0/0' : endpoint.host);
  return range !== undefined && rangeContains(range, localAddress);
}
