// Text that came from anywhere (a Subject, an address, a peer's reply) made harmless where people read it: on a terminal and on
// the page alike. Pure.

/**
 * What can move a cursor, change what was printed, or hide: C0 and C1 controls, DEL, line and paragraph separators,
 * marks, embeddings, overrides and isolates of direction, invisible characters, tags, lone surrogates.
 */
export const UNSAFE =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Unsafe characters written as `\n`, `\x1b`, `\u202e` or `\u{e0041}`. */
export function escapeText(text: string): string {
  return text.replace(UNSAFE, (character) => SHORT[character] ?? escapeCharacter(character));
}

function escapeCharacter(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  const hex = point.toString(16);
  if (point < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return point > 0xffff ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}
