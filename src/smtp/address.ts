// Paths and mailboxes of the envelope (RFC 5321 §4.1.2, RFC 6531 §3.3): quoted local parts, address literals, UTF-8, the bare
// <Postmaster>. Source routes are read and dropped (appendix C). Whether UTF-8 was announced is for the caller to ask
// (`isAsciiMailbox`), whether the mailbox exists for transport/.

import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

/** An address as a value. Two mailboxes are the same when `localPart` and `domain` are. */
export interface Mailbox {
  /** Without quotes and backslashes; letter case kept, for it is the receiving host's to judge. */
  readonly localPart: string;
  /** Lower case; an internationalised name as A-labels, an address literal with its brackets; '' for the bare Postmaster. */
  readonly domain: string;
  /** The address as written, without angle brackets and source route. */
  readonly text: string;
}

/** What `parsePath` read: `mailbox` is undefined for the null path <>, `rest` is what follows the closing bracket. */
export interface Path {
  readonly mailbox: Mailbox | undefined;
  readonly rest: string;
}

const MAX_LOCAL_PART_OCTETS = 64;
const MAX_DOMAIN_OCTETS = 255;
const MAX_PATH_OCTETS = 256;
const MAX_LABEL_OCTETS = 63;

const ATOM = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\-\\u{80}-\\u{10ffff}]+";
const DOT_STRING = `${ATOM}(?:\\.${ATOM})*`;
const QUOTED_STRING = '"(?:[ !#-\\[\\]-~\\u{80}-\\u{10ffff}]|\\\\[ -~])*"';
const LABEL = '[A-Za-z0-9\\u{80}-\\u{10ffff}](?:[A-Za-z0-9\\u{80}-\\u{10ffff}\\-]*[A-Za-z0-9\\u{80}-\\u{10ffff}])?';
const DOMAIN = `${LABEL}(?:\\.${LABEL})*`;
const LITERAL = '\\[[A-Za-z0-9.:\\-]+\\]';

const MAILBOX = new RegExp(`^(?<local>${DOT_STRING}|${QUOTED_STRING})@(?<domain>${DOMAIN}|${LITERAL})$`, 'u');
const BRACKETS = new RegExp(
  `^<(?:@${DOMAIN}(?:,@${DOMAIN})*:)?(?<text>(?:${QUOTED_STRING}|[^<>"\\s])*)>(?<rest>.*)$`,
  'u',
);

// Invisible and control characters spoof addresses and break logs; the joiners (U+200C, U+200D) do occur in names.
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/u;

/**
 * Reads the path at the start of `text`. <> counts only where a reverse-path is read, the bare <Postmaster> only where a
 * forward-path is. Undefined when there is no well-formed path within the limits of RFC 5321 §4.5.3.1.
 */
export function parsePath(text: string, kind: 'reverse' | 'forward'): Path | undefined {
  const match = BRACKETS.exec(text);
  const address = match?.groups?.['text'];
  const rest = match?.groups?.['rest'];
  if (address === undefined || rest === undefined) return undefined;
  if (address === '') return kind === 'reverse' ? { mailbox: undefined, rest } : undefined;
  if (kind === 'forward' && address.toLowerCase() === 'postmaster') {
    return { mailbox: { localPart: address, domain: '', text: address }, rest };
  }
  const mailbox = parseMailbox(address);
  return mailbox && { mailbox, rest };
}

/** Reads an address without angle brackets; undefined when it is malformed or too long. */
export function parseMailbox(text: string): Mailbox | undefined {
  const { local, domain } = MAILBOX.exec(text)?.groups ?? {};
  if (local === undefined || domain === undefined) return undefined;
  const sizeBytes = octets(text);
  // Of what is ASCII the pattern has let nothing through that is unsafe.
  if (sizeBytes > text.length && UNSAFE.test(text)) return undefined;
  // A path has the two angle brackets besides (RFC 5321 §4.5.3.1.3).
  if (sizeBytes + 2 > MAX_PATH_OCTETS || octets(local) > MAX_LOCAL_PART_OCTETS) return undefined;
  const normalized = domain.startsWith('[') ? normalizeLiteral(domain) : normalizeDomain(domain);
  return normalized === undefined ? undefined : { localPart: unquote(local), domain: normalized, text };
}

/** True when the address can be sent to a server that knows no SMTPUTF8. */
export function isAsciiMailbox(mailbox: Mailbox): boolean {
  return octets(mailbox.text) === mailbox.text.length;
}

/** One string for one mailbox, to compare by. */
export function mailboxKey(mailbox: Mailbox): string {
  return `${mailbox.localPart}@${mailbox.domain}`;
}

function octets(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

function unquote(local: string): string {
  return local.startsWith('"') ? local.slice(1, -1).replaceAll(/\\(.)/gsu, '$1') : local;
}

function normalizeDomain(domain: string): string | undefined {
  const ascii = octets(domain) === domain.length ? domain.toLowerCase() : domainToASCII(domain);
  if (ascii === '' || ascii.length > MAX_DOMAIN_OCTETS) return undefined;
  const fits = ascii.length <= MAX_LABEL_OCTETS || ascii.split('.').every(({ length }) => length <= MAX_LABEL_OCTETS);
  return fits ? ascii : undefined;
}

function normalizeLiteral(literal: string): string | undefined {
  const content = literal.slice(1, -1);
  const known = /^IPv6:/i.test(content) ? isIPv6(content.slice(5)) : isIPv4(content);
  return known ? literal.toLowerCase() : undefined;
}
