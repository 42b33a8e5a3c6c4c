// Words of a command line that arrived as one text, such as "Get-Queue -Filter 'a b' | fl": blanks separate, single and
// double quotes keep together, and a bare | is a word of its own.

import { Problem } from '../problem.ts';

/** The words; throws Problem `open-quote`. */
export function splitCommandLine(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (let index = 0; index < line.length; index++) {
    const character = line.charAt(index);
    if (character === '"' || character === "'") {
      const end = line.indexOf(character, index + 1);
      if (end === -1) throw new Problem('open-quote', `a quote (${character}) is opened and not closed`);
      word = (word ?? '') + line.slice(index + 1, end);
      index = end;
    } else if (/[\s|]/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      if (character === '|') words.push('|');
    } else {
      word = (word ?? '') + character;
    }
  }
  return word === undefined ? words : [...words, word];
}
