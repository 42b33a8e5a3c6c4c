// The fields put in front of a message: Received (RFC 5321 §4.4), which says how the hop was protected or why it was not,
// and the id that joins both hops' records, carried between members of the pair only.

import type { TlsSession } from '../tls/tls-session.ts';
import type { Reason } from '../trust/reasons.ts';

/** Exchange's own field for the id that stays the same across the organisation. Header firewalls strip it at the edge. */
export const NETWORK_MESSAGE_ID_FIELD = 'X-MS-Exchange-Organization-Network-Message-Id';

export interface ReceivedFacts {
  readonly helo: string;
  readonly remoteAddress: string;
  readonly fqdn: string;
  readonly localAddress: string;
  readonly isEsmtp: boolean;
  readonly smtpUtf8: boolean;
  readonly isAuthenticated: boolean;
  readonly tls: TlsSession | undefined;
  /** The receiver's own reason, stated when the hop was in clear. */
  readonly reason: Reason;
  readonly id: string;
  readonly time: Date;
  /** "+400d" while the clock is moved. */
  readonly clockOffset: string | undefined;
}

/** The Received field with its CRLF, folded. */
export function formatReceived(facts: ReceivedFacts): string {
  const protection = facts.tls
    ? `(version=${facts.tls.protocol}, cipher=${facts.tls.cipher})`
    : `(in clear, reason=${facts.reason})`;
  const clock = facts.clockOffset === undefined ? '' : ` (clock moved ${facts.clockOffset})`;
  return [
    `Received: from ${cleanName(facts.helo)} (${addressLiteral(facts.remoteAddress)})`,
    ` by ${facts.fqdn} (${addressLiteral(facts.localAddress)}) with ${protocolName(facts)}`,
    ` ${protection} id ${facts.id};`,
    ` ${formatDate(facts.time)}${clock}\r\n`,
  ].join('\r\n');
}

/** RFC 3848 and RFC 6531 §4.3 names. */
function protocolName(facts: ReceivedFacts): string {
  if (!facts.isEsmtp) return 'SMTP';
  const suffix = `${facts.tls ? 'S' : ''}${facts.isAuthenticated ? 'A' : ''}`;
  return facts.smtpUtf8 ? `UTF8SMTP${suffix}` : `ESMTP${suffix}`;
}

/** RFC 5322 §3.3 in UTC. */
export function formatDate(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}

function addressLiteral(scoped: string): string {
  // A link-local address may carry the name of an interface (RFC 4007 §11), which is nobody else's business.
  const address = scoped.replace(/%.*$/, '');
  return address.includes(':') ? `[IPv6:${address}]` : `[${address}]`;
}

/** A client may call itself anything; only what cannot break the field is written. */
function cleanName(helo: string): string {
  const clean = helo.replace(/[^A-Za-z0-9.:_[\]-]/g, '?').slice(0, 255);
  return clean === '' ? 'unknown' : clean;
}

export function formatNetworkMessageId(networkMessageId: string): string {
  return `${NETWORK_MESSAGE_ID_FIELD}: ${networkMessageId}\r\n`;
}
