// A point: the place of a conversation at which a fault strikes, as a scenario writes it: `EHLO reply`, `STARTTLS`, `ClientHello`,
// `record 3 from server`. A point is met by the units that carry its name.

import type { Side, Unit } from './unit.ts';

export interface Point {
  readonly name: string;
  /** Undefined: whoever sends it. */
  readonly from: Side | undefined;
}

/** Points that are no verb and no handshake message. `connect` comes before the server is dialled. */
const MOMENTS = ['connect', 'greeting', 'body', 'dot', 'dot reply'] as const;

const VERBS = [
  'EHLO',
  'HELO',
  'LHLO',
  'STARTTLS',
  'AUTH',
  'MAIL',
  'RCPT',
  'DATA',
  'BDAT',
  'RSET',
  'NOOP',
  'QUIT',
  'VRFY',
  'EXPN',
  'HELP',
  'ETRN',
  'XCLIENT',
  'XFORWARD',
] as const;

/** After which TLS begins: the standard's, and the one of Exchange's own servers, which is the same but for its name. */
export const TLS_VERBS: ReadonlySet<string> = new Set(['STARTTLS', 'X-ANONYMOUSTLS']);

/** By their number on the wire (RFC 8446 §4, RFC 5246 §7.4, RFC 6066 §8). */
export const HANDSHAKE_MESSAGES: Readonly<Record<number, string>> = {
  0: 'HelloRequest',
  1: 'ClientHello',
  2: 'ServerHello',
  4: 'NewSessionTicket',
  11: 'Certificate',
  12: 'ServerKeyExchange',
  13: 'CertificateRequest',
  14: 'ServerHelloDone',
  15: 'CertificateVerify',
  16: 'ClientKeyExchange',
  20: 'Finished',
  22: 'CertificateStatus',
};

const TLS_NAMES = [
  ...Object.values(HANDSHAKE_MESSAGES),
  'HelloRetryRequest',
  'ChangeCipherSpec',
  'Alert',
  'ApplicationData',
] as const;

export const POINT_HELP =
  'connect, greeting, a verb such as MAIL or "MAIL reply", body, dot, "dot reply", a handshake message such as ClientHello or Certificate, or "record 3 from server"';

/** Reads a point in any letter case; undefined when there is none of that name. */
export function parsePoint(text: string): Point | undefined {
  const [, what = '', from] = /^(.*?)(?:\s+from\s+(client|server))?$/i.exec(text.trim()) ?? [];
  const name = nameOf(what.replaceAll(/\s+/g, ' '));
  if (name === undefined) return undefined;
  const side = from?.toLowerCase() as Side | undefined;
  // Both sides have a third record: which one is meant has to be said.
  if (name.startsWith('record ') && side === undefined) return undefined;
  return { name, from: side };
}

function nameOf(what: string): string | undefined {
  const lower = what.toLowerCase();
  const fixed = [...MOMENTS, ...TLS_NAMES].find((name) => name.toLowerCase() === lower);
  if (fixed !== undefined) return fixed;
  if (/^record [1-9]\d{0,5}$/.test(lower)) return lower;
  const [, verb = '', reply = ''] = /^([a-z][a-z0-9-]*)( reply)?$/.exec(lower) ?? [];
  const known = VERBS.some((name) => name.toLowerCase() === verb) || /^x-[a-z0-9-]+$/.test(verb);
  return known ? `${verb.toUpperCase()}${reply}` : undefined;
}

/** True when the unit is met at the point. */
export function isAt(point: Point, unit: Unit): boolean {
  return unit.names.includes(point.name) && (point.from === undefined || point.from === unit.side);
}
