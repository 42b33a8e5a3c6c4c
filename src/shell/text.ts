// Escaped text on a terminal: its width in columns, cut and filled up to one.

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
