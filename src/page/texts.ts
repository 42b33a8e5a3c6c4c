// Every text of the page stands in texts.en.json, so that it can be read, and translated, as one.

import english from './texts.en.json' with { type: 'json' };

export const texts = english;

/** Names in braces are its gaps; where it counts something, that is `{number}`, and there is one wording for each plural of the language. */
export type Sentence = string | Readonly<Record<'one' | 'other', string>>;

const LANGUAGE = 'en-GB';
const plurals = new Intl.PluralRules(LANGUAGE);

/** The sentence with its gaps filled; numbers are written as the language writes them. */
export function say(sentence: Sentence, values: Readonly<Record<string, string | number>>): string {
  const wording = typeof sentence === 'string' ? sentence : sentence[pluralOf(values['number'])];
  return wording.replaceAll(/\{(\w+)\}/g, (gap, name: string) => {
    const value = values[name] ?? gap;
    return typeof value === 'number' ? value.toLocaleString(LANGUAGE) : value;
  });
}

function pluralOf(number: string | number | undefined): 'one' | 'other' {
  return plurals.select(Number(number)) === 'one' ? 'one' : 'other';
}
