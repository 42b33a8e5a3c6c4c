// What a server answers, read with suspicion (RFC 5321 §4.2, RFC 2034): either a well-formed reply, cut to a size and made
// printable, or nothing. How many octets may be gathered for one is limited in `sender-connection.ts`.

import { remembered } from '../remembered.ts';
import type { Reply } from './reply.ts';

/** A reply with its lines, which EHLO needs apart. */
export interface ServerReply extends Reply {
  /** Each line without its code, as it came. */
  readonly lines: readonly string[];
}

/** What follows of a line is cut off: replies are recorded and shown. */
const MAX_LINE_CHARACTERS = 2048;
/** No server has so much to say, nor so many extensions. */
const MAX_LINES = 500;
const MAX_TEXT_CHARACTERS = 4096;
const LINE = /^([2-5]\d\d)(?:([ -])(.*))?$/s;
const ENHANCED = /^([245])\.\d{1,3}\.\d{1,3}(?=\s|$)\s?/;

/** Servers say the same few things again and again; what has the id of a message in it comes once. */
const REMEMBERED_REPLIES = 64;

/** Reads the whole of a reply, lines parted by LF; undefined when it is none: no code, changing codes, NULs, lines without end. */
export const readReply = remembered(REMEMBERED_REPLIES, (raw: string): ServerReply | undefined => {
  if (raw.includes('\0')) return undefined;
  const written = raw.split('\n');
  if (written.length > MAX_LINES) return undefined;
  const matches = written.map((line) => LINE.exec(line));
  const code = matches[0]?.[1];
  const isWellFormed = matches.every(
    (match, index) => match !== null && match[1] === code && (match[2] === '-') === index < matches.length - 1,
  );
  if (code === undefined || !isWellFormed) return undefined;
  const lines = matches.map((match) => match?.[3] ?? '');
  return { code: Number(code), lines, ...readText(code, lines) };
});

/** The reply alone, for a record. */
export function toReply({ code, enhanced, text }: Reply): Reply {
  return { code, enhanced, text };
}

/** The extensions of an EHLO reply: keyword in upper case to its parameters (RFC 5321 §4.1.1.1). */
export function readCapabilities(reply: ServerReply): Map<string, string> {
  const capabilities = new Map<string, string>();
  for (const line of reply.lines.slice(1)) {
    const [, keyword, parameters] = /^([A-Za-z0-9][A-Za-z0-9-]*)(?: (.*))?$/.exec(line.trim()) ?? [];
    if (keyword === undefined) continue;
    const earlier = capabilities.get(keyword.toUpperCase());
    capabilities.set(keyword.toUpperCase(), [earlier, parameters?.trim()].filter(Boolean).join(' '));
  }
  return capabilities;
}

function readText(code: string, lines: readonly string[]): { enhanced: string; text: string } {
  const found = ENHANCED.exec(lines[0] ?? '');
  const enhanced = found?.[1] === code[0] ? (found?.[0].trim() ?? '') : '';
  const shown = lines.map((line) => {
    const text = enhanced !== '' && line.startsWith(enhanced) ? line.slice(enhanced.length).trimStart() : line;
    // eslint-disable-next-line no-control-regex
    return text.slice(0, MAX_LINE_CHARACTERS).replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '?');
  });
  return { enhanced, text: shown.join('\n').slice(0, MAX_TEXT_CHARACTERS) };
}
