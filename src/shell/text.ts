// Text that came from anywhere (a Subject, an address, a peer's reply) made harmless for a terminal, and its width there.

import { UNSAFE } from '../cmdlets/output-json.ts';

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

const segmenter = new Intl.Segmenter();
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/** Columns that escaped text takes on a terminal. */
export function widthOf(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += widthOfCharacter(segment);
  return width;
}

function widthOfCharacter(character: string): number {
  if (WIDE.test(character)) return 2;
  return /^\p{Mark}+$/u.test(character) ? 0 : 1;
}

/** At most `width` columns of `text`; what is cut off shows as "...". */
export function truncate(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const dots = width > 3 ? '...' : '';
  let kept = '';
  let used = dots.length;
  for (const { segment } of segmenter.segment(text)) {
    used += widthOfCharacter(segment);
    if (used > width) break;
    kept += segment;
  }
  return kept + dots;
}

/** `text` filled up to `width` columns, on the right or, for numbers, on the left. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const filling = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'left' ? text + filling : filling + text;
}
