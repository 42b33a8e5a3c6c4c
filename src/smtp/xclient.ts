// Postfix's XCLIENT: a server in front says who its client is. Only what comes from a listed address is ever read. ADDR and
// PORT count; NAME, PROTO and HELO are read for their form, since what a client calls itself it says again by EHLO. LOGIN is
// not taken: nobody logs in here by somebody else's word. Pure.

import { canonicalAddress } from './canonical-address.ts';
import { decodeXtext } from './xtext.ts';

/** As EHLO offers it. */
export const XCLIENT_KEYWORD = 'XCLIENT NAME ADDR PORT PROTO HELO';

/** What was said; undefined for what was not, or is not known to who said it. */
export interface ClientClaim {
  readonly address: string | undefined;
  readonly port: number | undefined;
}

const UNKNOWN = /^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i;
const NAMES: ReadonlySet<string> = new Set(['NAME', 'ADDR', 'PORT', 'PROTO', 'HELO']);
const MAX_VALUE_CHARACTERS = 255;

/** Reads the argument of XCLIENT; undefined when it is malformed, names an attribute twice, or one that was not offered. */
export function parseXclient(argument: string): ClientClaim | undefined {
  const said = new Map<string, string>();
  for (const word of argument.split(/ +/)) {
    const [, keyword = '', encoded = ''] = /^([A-Za-z]+)=(\S+)$/.exec(word) ?? [];
    const name = keyword.toUpperCase();
    const value = decodeXtext(encoded);
    if (!NAMES.has(name) || said.has(name) || value === undefined) return undefined;
    if (value.length > MAX_VALUE_CHARACTERS || /\p{Cc}/u.test(value)) return undefined;
    said.set(name, value);
  }
  const [address, port, protocol] = ['ADDR', 'PORT', 'PROTO'].map((name) => knownPart(said.get(name)));
  const plain = address && canonicalAddress(address.replace(/^IPV6:/i, ''));
  if (address !== undefined && plain === undefined) return undefined;
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) return undefined;
  if (protocol !== undefined && !/^E?SMTP$/i.test(protocol)) return undefined;
  return { address: plain, port: port === undefined ? undefined : Number(port) };
}

function knownPart(value: string | undefined): string | undefined {
  return value === undefined || UNKNOWN.test(value) ? undefined : value;
}
