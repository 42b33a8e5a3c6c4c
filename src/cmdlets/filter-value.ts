// What a -Filter compares: the kinds of properties, their values, and the operators. Pure.

import { type FilterWord, isWord, quoteWord, refuseAt } from './filter-word.ts';
import { isSize, isTimeSpan, type OutputValue } from './output.ts';
import { readValue } from './parameter-values.ts';
import { matchesWildcards } from './wildcards.ts';

/** How a property's values are compared. Only texts have -like, and a boolean is the same or not. */
export type PropertyKind = 'text' | 'number' | 'size' | 'date' | 'duration' | 'boolean';

/** Undefined is a value that is not there. A text that is not there is empty. */
type Comparable = string | number | undefined;

/** What is not there equals itself, and is neither greater nor less. */
const OPERATORS = {
  '-eq': (value, wanted) => value === wanted,
  '-ne': (value, wanted) => value !== wanted,
  '-gt': (value, wanted) => value !== undefined && wanted !== undefined && value > wanted,
  '-ge': (value, wanted) => value !== undefined && wanted !== undefined && value >= wanted,
  '-lt': (value, wanted) => value !== undefined && wanted !== undefined && value < wanted,
  '-le': (value, wanted) => value !== undefined && wanted !== undefined && value <= wanted,
  '-like': (value, wanted) => matchesWildcards(String(value), String(wanted)),
  '-notlike': (value, wanted) => !matchesWildcards(String(value), String(wanted)),
} as const satisfies Record<string, (value: Comparable, wanted: Comparable) => boolean>;

type Operator = keyof typeof OPERATORS;

/** For completion. */
export const FILTER_OPERATORS: readonly string[] = Object.keys(OPERATORS);

const NUMBER_TYPES = {
  number: 'integer',
  size: 'size',
  date: 'date',
  duration: 'duration',
  boolean: 'boolean',
} as const;

/** The test that one comparison makes of a property's value; throws Problem `bad-filter` or `bad-value`. */
export function readComparison(
  name: string,
  kind: PropertyKind,
  words: {
    readonly property: FilterWord;
    readonly operator: FilterWord | undefined;
    readonly value: FilterWord | undefined;
  },
): (value: OutputValue) => boolean {
  const operator = readOperator(name, words.property, words.operator);
  const place = words.operator ?? words.property;
  if (operator.endsWith('like') && kind !== 'text')
    throw refuseAt(place, `${operator} compares texts, and ${name} is a ${kind}`);
  if (kind === 'boolean' && operator !== '-eq' && operator !== '-ne') {
    throw refuseAt(place, `${name} is $true or $false: compare it by -eq or -ne`);
  }
  const { value } = words;
  if (value === undefined || isSign(value))
    throw refuseAt(value ?? place, `a value is missing after ${name} ${operator}`);
  const wanted = readWanted(name, kind, value);
  return (found) => OPERATORS[operator](comparableOf(found, kind), wanted);
}

function readOperator(name: string, property: FilterWord, word: FilterWord | undefined): Operator {
  if (word === undefined) throw refuseAt(property, `an operator is missing after ${name}`);
  const typed = word.text.toLowerCase();
  if (!word.isQuoted && Object.hasOwn(OPERATORS, typed)) return typed as Operator;
  throw refuseAt(word, `${quoteWord(word)} is not one of the operators ${Object.keys(OPERATORS).join(', ')}`);
}

/** -and, -eq or a parenthesis, but not -5. */
function isSign(word: FilterWord): boolean {
  return isWord(word, '(', ')', '!') || (!word.isQuoted && /^-[a-z]/i.test(word.text));
}

function readWanted(name: string, kind: PropertyKind, word: FilterWord): Comparable {
  if (isWord(word, '$null')) return kind === 'text' ? '' : undefined;
  if (kind === 'text') {
    if (isWord(word, '$true', '$false')) throw refuseAt(word, `${name} is a text and never ${quoteWord(word)}`);
    return word.text.toLowerCase();
  }
  const place = `Filter, column ${word.column}, ${name}`;
  const value = readValue(place, { type: NUMBER_TYPES[kind], help: '' }, [word.text]);
  if (value === 'unlimited') return Number.POSITIVE_INFINITY;
  return value instanceof Date ? value.getTime() : Number(value);
}

/** A property's value as it is compared: texts without letter case, dates, sizes and durations as numbers. */
export function comparableOf(value: OutputValue, kind: PropertyKind): Comparable {
  if (kind === 'text') return typeof value === 'string' ? value.toLowerCase() : '';
  if (value instanceof Date) return value.getTime();
  if (isSize(value)) return value.$size === 'unlimited' ? Number.POSITIVE_INFINITY : value.$size;
  if (isTimeSpan(value)) return value.$timeSpan;
  return typeof value === 'number' || typeof value === 'boolean' ? Number(value) : undefined;
}
