// The words of a -Filter, each with the column it stands in, and the refusal that points there. Pure.

import { Problem } from '../problem.ts';

/** A name, an operator, a value, or one of `(`, `)` and `!`. */
export interface FilterWord {
  readonly text: string;
  /** A quoted word is a value, whatever it says. */
  readonly isQuoted: boolean;
  /** Where it begins, from 1. */
  readonly column: number;
}

/** Far longer than anybody writes, and short enough to be looked at in no time. */
const MAX_LENGTH = 16 * 1024;

/** The filter's words, without PowerShell's braces around the whole; throws Problem `bad-filter`. */
export function splitFilter(text: string): FilterWord[] {
  if (text.length > MAX_LENGTH) {
    throw new Problem('bad-filter', `-Filter: it is longer than ${MAX_LENGTH.toLocaleString('en-US')} characters`);
  }
  // Spaces in their place, so that columns stay what the person sees.
  const inner = text.replace(/^(\s*)\{(.*)\}(\s*)$/s, '$1 $2 $3');
  const words: FilterWord[] = [];
  const pattern = /\s*(?:'((?:[^']|'')*)'|"((?:[^"]|"")*)"|([()!])|([^\s'"()]+))/y;
  const end = inner.trimEnd().length;
  while (pattern.lastIndex < end) {
    const from = pattern.lastIndex;
    const found = pattern.exec(inner);
    if (!found) {
      const column = from + inner.slice(from).search(/\S/) + 1;
      throw refuseAt({ column }, 'a quotation mark is opened and not closed');
    }
    const [whole, single, double, sign, bare] = found;
    const quoted = single?.replaceAll("''", "'") ?? double?.replaceAll('""', '"');
    words.push({
      text: quoted ?? sign ?? bare ?? '',
      isQuoted: quoted !== undefined,
      column: from + whole.search(/\S/) + 1,
    });
  }
  return words;
}

/** Whether the word is this operator or sign, in any letter case. */
export function isWord(word: FilterWord | undefined, ...texts: readonly string[]): boolean {
  return word !== undefined && !word.isQuoted && texts.includes(word.text.toLowerCase());
}

/** Problem `bad-filter` that names the place. */
export function refuseAt({ column }: Pick<FilterWord, 'column'>, reason: string): Problem {
  return new Problem('bad-filter', `-Filter, column ${column}: ${reason}`);
}

/** The word as a sentence shows it. */
export function quoteWord({ text }: FilterWord): string {
  return `"${text.length > 60 ? `${text.slice(0, 57)}...` : text}"`;
}
