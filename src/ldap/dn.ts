// Distinguished names as text (RFC 4514): reading with all escapes, writing with only those needed, and one compare key per
// name. Knows no schema: every value is compared as caseIgnoreMatch does (RFC 4518), which suits all names used here.

import { isUtf8 } from 'node:buffer';
import { Problem } from '../problem.ts';

export interface AttributeValue {
  /** Short name or object identifier, as written. */
  readonly type: string;
  /** The value without escapes; with `encoded` the hexadecimal digits of its BER. */
  readonly value: string;
  /** True for the `#04024869` form (RFC 4514 §2.4). */
  readonly encoded: boolean;
}

/** One or, joined by `+`, several attribute values. */
export type Rdn = readonly AttributeValue[];

const TYPE = / *([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*) *= */y;
const HEX_VALUE = /#((?:[0-9A-Fa-f]{2})+) */y;
/** Plain characters, escaped ones and escaped octets; an unescaped `"`, `;`, `<`, `>` or NUL is refused. */
const STRING_VALUE = /(?:[^\\,+"<>;\0]|\\[ "#+,;<=>\\]|\\[0-9A-Fa-f]{2})*/y;

/** No directory here holds a longer name, and what a peer sends must not keep the parser busy. */
const MAX_CHARACTERS = 16_384;

/** Reads a name, nearest part first; the empty text is the root. Throws Problem `bad-dn`. */
export function parseDn(text: string): Rdn[] {
  if (/^ *$/.test(text)) return [];
  if (text.length > MAX_CHARACTERS) throw badDn(text);
  const rdns: AttributeValue[][] = [[]];
  for (let offset = 0; ; offset += 1) {
    const type = matchAt(TYPE, text, offset);
    if (!type) throw badDn(text);
    offset += type[0].length;
    const { part, length } = readValue(text, offset, type[1] ?? '');
    rdns.at(-1)?.push(part);
    offset += length;
    if (offset === text.length) return rdns;
    if (text[offset] === ',') rdns.push([]);
    else if (text[offset] !== '+') throw badDn(text);
  }
}

function readValue(text: string, offset: number, type: string): { part: AttributeValue; length: number } {
  const hex = matchAt(HEX_VALUE, text, offset);
  if (hex) return { part: { type, value: (hex[1] ?? '').toLowerCase(), encoded: true }, length: hex[0].length };
  const raw = matchAt(STRING_VALUE, text, offset)?.[0] ?? '';
  if (raw.startsWith('#')) throw badDn(text);
  return { part: { type, value: unescape(trimEnd(raw), text), encoded: false }, length: raw.length };
}

function matchAt(pattern: RegExp, text: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset;
  return pattern.exec(text);
}

/** Blanks before a separator belong to nobody, unless the last one is escaped: `cn=a\ ,o=b`. */
function trimEnd(raw: string): string {
  const trimmed = raw.replace(/ +$/, '');
  const isEscaped = (/\\+$/.exec(trimmed)?.[0].length ?? 0) % 2 === 1;
  return isEscaped && trimmed.length < raw.length ? `${trimmed} ` : trimmed;
}

function unescape(raw: string, text: string): string {
  if (!raw.includes('\\')) return raw;
  const octets: Buffer[] = [];
  for (const [piece, , hex] of raw.matchAll(/\\(([0-9A-Fa-f]{2})|.)|[^\\]+/gs)) {
    if (hex) octets.push(Buffer.from(hex, 'hex'));
    else octets.push(Buffer.from(piece.startsWith('\\') ? piece.slice(1) : piece, 'utf8'));
  }
  const value = Buffer.concat(octets);
  if (!isUtf8(value)) throw badDn(text);
  return value.toString('utf8');
}

function badDn(text: string): Problem {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return new Problem('bad-dn', `"${shown}" is not a distinguished name; write it as CN=EDGE01,OU=MSExchangeGateway`);
}

/** Writes a name with the escapes that RFC 4514 §2.4 demands and no others. */
export function formatDn(rdns: readonly Rdn[]): string {
  return rdns.map(formatRdn).join(',');
}

/** Writes one part of a name. */
export function formatRdn(rdn: Rdn): string {
  return rdn.map(({ type, value, encoded }) => `${type}=${encoded ? `#${value}` : escapeDnValue(value)}`).join('+');
}

/** A value ready to stand in a name. */
function escapeDnValue(value: string): string {
  return value.replace(/^[ #]| $|[\\,+"<>;]/g, String.raw`\$&`).replaceAll('\0', String.raw`\00`);
}

/** The object identifiers that RFC 4514 §3 gives names to. */
const NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'cn',
  '2.5.4.6': 'c',
  '2.5.4.7': 'l',
  '2.5.4.8': 'st',
  '2.5.4.9': 'street',
  '2.5.4.10': 'o',
  '2.5.4.11': 'ou',
  '0.9.2342.19200300.100.1.1': 'uid',
  '0.9.2342.19200300.100.1.25': 'dc',
};

/** True for an attribute that names of any directory may have, by name or identifier (RFC 4514 §3). */
export function isNamingType(type: string): boolean {
  return type in NAMES || Object.values(NAMES).includes(type.toLowerCase());
}

/**
 * A key that two names share exactly when they are the same name. Separators inside values are hexadecimal in it, so
 * `key.endsWith(',' + baseKey)` is true only for what lies under the base. Throws Problem `bad-dn`.
 */
export function normalizeDn(text: string): string {
  return parseDn(text).map(normalizeRdn).join(',');
}

function normalizeRdn(rdn: Rdn): string {
  return rdn
    .map(({ type, value, encoded }) => {
      const name = (NAMES[type] ?? type).toLowerCase();
      return `${name}=${encoded ? `#${value}` : foldText(value).replace(/[\\,+=#"<>;\0]/g, toHexEscape)}`;
    })
    .toSorted()
    .join('+');
}

function toHexEscape(character: string): string {
  return `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

/** Text as caseIgnoreMatch compares it: compatibility form, lower case, blanks at the ends gone and inner runs one (RFC 4518). */
export function foldText(text: string): string {
  // Lower case after NFKC and again NFKC after it: some capitals decompose on their way down.
  return text.normalize('NFKC').toLowerCase().normalize('NFKC').trim().replace(/\s+/g, ' ');
}

/** The name above: '' for a name of one part, undefined for the root. Throws Problem `bad-dn`. */
export function parentDn(text: string): string | undefined {
  const rdns = parseDn(text);
  return rdns.length === 0 ? undefined : formatDn(rdns.slice(1));
}

/** The first part of a name as text; '' for the root. Throws Problem `bad-dn`. */
export function rdnOf(text: string): string {
  const first = parseDn(text)[0];
  return first ? formatRdn(first) : '';
}

/** The name of a child: `childDn('CN', 'Smith, J.', 'OU=a')` is `CN=Smith\, J.,OU=a`. */
export function childDn(rdnType: string, value: string, parent: string): string {
  const rdn = `${rdnType}=${escapeDnValue(value)}`;
  return parent === '' ? rdn : `${rdn},${parent}`;
}

/** True when `text` is `base` or lies anywhere under it. Throws Problem `bad-dn`. */
export function isWithinDn(text: string, base: string): boolean {
  const key = normalizeDn(text);
  const baseKey = normalizeDn(base);
  return baseKey === '' || key === baseKey || key.endsWith(`,${baseKey}`);
}
