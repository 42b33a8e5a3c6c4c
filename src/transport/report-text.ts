// Text in a report: peers and senders wrote parts of it, and none of it may break a line, a field, a page or a word. Pure.

/** RFC 5321 §4.5.3.1.6 leaves 998 octets for a line; what peers wrote takes its share of them. */
const MAX_TEXT_OCTETS = 800;
const MAX_SUBJECT_CHARACTERS = 200;
const MAX_LINE_OCTETS = 998;
/** RFC 2045 §6.7. */
const MAX_QUOTED_LINE = 76;

/** True for ASCII alone, control characters included. */
export function isPlain(text: string): boolean {
  return !/[^\p{ASCII}]/u.test(text);
}

/**
 * One line of printable text: no line break, no control character, no mark that turns the reading direction round and no
 * endless line of somebody else's.
 */
export function oneLine(text: string): string {
  const clean = text
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
    .toWellFormed();
  if (Buffer.byteLength(clean) <= MAX_TEXT_OCTETS) return clean;
  // What the cut left of a character is no character.
  return Buffer.from(clean)
    .subarray(0, MAX_TEXT_OCTETS)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}

/** A header field's text: encoded words (RFC 2047) where it is not plain. */
export function encodeWords(text: string): string {
  const clean = Array.from(oneLine(text)).slice(0, MAX_SUBJECT_CHARACTERS).join('');
  if (/^[\x20-\x7e]*$/.test(clean)) return clean;
  const words: string[] = [];
  for (let rest = Array.from(clean); rest.length > 0; rest = rest.slice(12)) {
    words.push(`=?utf-8?B?${Buffer.from(rest.slice(0, 12).join('')).toString('base64')}?=`);
  }
  return words.join('\r\n ');
}

/** What encoded words (RFC 2047 §2) say; a word in an unknown charset stays as it is. */
export function decodeWords(text: string): string {
  const joined = text.replaceAll(/\?=[\t ]+=\?/g, '?==?');
  return joined.replaceAll(
    /=\?([\w-]+)(?:\*[\w-]*)?\?([BQ])\?([^?]*)\?=/gi,
    (word, charset: string, kind: string, content: string) => {
      const octets =
        kind.toUpperCase() === 'B'
          ? Buffer.from(content, 'base64')
          : Buffer.from(
              content
                .replaceAll('_', ' ')
                .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
              'latin1',
            );
      try {
        return new TextDecoder(charset).decode(octets);
      } catch {
        return word;
      }
    },
  );
}

/** Octets that every next hop takes as they are: ASCII without NUL, whole CRLF lines of at most 998 octets. */
export function isSevenBitLines(content: Buffer): boolean {
  const text = content.toString('latin1');
  return !/[\0\x80-\xff]/.test(text) && isLines(text);
}

/** The same for a hop with 8BITMIME. */
export function isEightBitLines(content: Buffer): boolean {
  const text = content.toString('latin1');
  return !text.includes('\0') && isLines(text);
}

function isLines(text: string): boolean {
  return text.split('\r\n').every((line) => line.length <= MAX_LINE_OCTETS && !/[\r\n]/.test(line));
}

/** RFC 2045 §6.7: CRLF are line ends, whatever else is not printable ASCII becomes =HH. */
export function quotedPrintable(content: Buffer): string {
  return content.toString('latin1').split('\r\n').map(quoteLine).join('\r\n');
}

function quoteLine(line: string): string {
  let rest = line.replaceAll(/[^\t -<>-~]|[\t ]$/g, (octet) => {
    return `=${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });
  const lines: string[] = [];
  while (rest.length > MAX_QUOTED_LINE) {
    const escape = rest.slice(MAX_QUOTED_LINE - 3, MAX_QUOTED_LINE - 1).indexOf('=');
    const end = escape < 0 ? MAX_QUOTED_LINE - 1 : MAX_QUOTED_LINE - 3 + escape;
    lines.push(`${rest.slice(0, end)}=`);
    rest = rest.slice(end);
  }
  return [...lines, rest].join('\r\n');
}

/** Text for the inside of an HTML element. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
