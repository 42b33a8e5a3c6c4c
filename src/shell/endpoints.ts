// Addresses on the command line: HOST:PORT with IPv6 in brackets (RFC 3986 §3.2.2), domains, and where mail is delivered.
// Stricter than the config file's reader, and with a sentence for each mistake; loads no schema.

import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { domainToASCII } from 'node:url';
import type { DeliveryTarget, Endpoint } from '../config.ts';
import { Problem } from '../problem.ts';

export type { DeliveryTarget };

/** "127.0.0.1:2525", "mx.contoso.com:25", "[::1]:2525"; port 0 only where one listens. Throws Problem `bad-endpoint`. */
export function readEndpoint(text: string, use: 'listen' | 'connect'): Endpoint {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text.trim()) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || digits === undefined) throw refuse(text, explainShape(text.trim()));
  if (bracketed !== undefined && isIP(bracketed) !== 6) throw refuse(text, `[${bracketed}] is not an IPv6 address`);
  if (plain !== undefined && !isHost(plain))
    throw refuse(text, `"${plain}" is neither a host name nor an IPv4 address`);
  const port = Number(digits);
  if (port > 65_535) throw refuse(text, `there is no port ${digits}`);
  if (port === 0 && use === 'connect') throw refuse(text, 'port 0 only means something where relaypair listens');
  return { host: bracketed ?? host.toLowerCase(), port };
}

function explainShape(text: string): string {
  // "::1:25" may be an address without a port or one with: only its writer knows.
  if (isIP(text) === 6 || isIP(text.replace(/:\d+$/, '')) === 6)
    return 'an IPv6 address stands in brackets, as in [::1]:2525';
  return 'write it as HOST:PORT, as in 127.0.0.1:2525 or [::1]:2525';
}

function refuse(text: string, reason: string): Problem {
  return new Problem('bad-endpoint', `${text}: ${reason}`);
}

/** Letters, digits, hyphens; what consists of digits and dots alone must be an IPv4 address. */
function isHost(host: string): boolean {
  if (/^[\d.]+$/.test(host)) return isIP(host) === 4;
  return host.length <= 253 && /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i.test(host);
}

/** A domain in ASCII and lower case (IDNA); throws Problem `bad-domain`. */
export function readDomain(text: string): string {
  const ascii = domainToASCII(text.trim()).replace(/\.$/, '');
  if (ascii === '' || !isHost(ascii) || isIP(ascii) !== 0 || ascii.split('.').some((label) => label.length > 63)) {
    throw new Problem('bad-domain', `"${text}" is not a domain such as contoso.com`);
  }
  return ascii;
}

/** "smtp:HOST:PORT", "lmtp:HOST:PORT" or "maildir:DIR" with DIR made absolute in `folder`; throws Problem `bad-endpoint`. */
export function readDeliveryTarget(text: string, folder: string): DeliveryTarget {
  const [, kind, rest = ''] = /^(smtp|lmtp|maildir):(.+)$/is.exec(text.trim()) ?? [];
  if (kind === undefined) throw refuse(text, 'write it as smtp:HOST:PORT, lmtp:HOST:PORT or maildir:DIR');
  if (kind.toLowerCase() === 'maildir') return { kind: 'maildir', folder: resolve(folder, rest) };
  return { kind: kind.toLowerCase() === 'smtp' ? 'smtp' : 'lmtp', ...readEndpoint(rest, 'connect') };
}
