// Text that a peer chose, made harmless for a log line and a terminal, and back again without loss: controls, line
// separators, bidirectional marks and unpaired surrogates are written as \uXXXX. A backslash is left alone unless it would
// read as such an escape, so EDGE01\Default stays what it is.

const HARMFUL = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\p{Cs}|\\(?=u[0-9a-f]{4})/gu;
const ESCAPE = /\\u([0-9a-f]{4})/g;
/** Nearly all text is this, and a look for it costs a fraction of a search for what Unicode has in store. */
const PRINTABLE_ASCII = /^[ -~]*$/;

/** One printable line. */
export function escapeText(text: string): string {
  if (PRINTABLE_ASCII.test(text) && !text.includes('\\u')) return text;
  return text.replaceAll(HARMFUL, escapeCharacter);
}

/** The text that was escaped. */
export function unescapeText(escaped: string): string {
  return escaped.replaceAll(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** One field from several texts, as Exchange joins them; none and a single empty one are written alike. */
export function joinTexts(texts: readonly string[]): string {
  return texts.map(escapeJoined).join(';');
}

function escapeJoined(text: string): string {
  const escaped = escapeText(text);
  return escaped.includes(';') ? escaped.replaceAll(';', escapeCharacter) : escaped;
}

/** The texts of a joined field. */
export function splitTexts(field: string): string[] {
  return field === '' ? [] : field.split(';').map(unescapeText);
}

/** One line of JSON without anything a terminal would obey. */
export function formatJsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  if (PRINTABLE_ASCII.test(json)) return json;
  // What is left to escape after JSON.stringify can only stand inside strings, where \uXXXX is JSON.
  return json.replaceAll(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu, escapeCharacter);
}

/** The value of a JSON line, undefined when it is none. */
export function parseJsonLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
