// Exchange's -Filter (OPATH): `Status -eq 'Retry' -and MessageCount -gt 10`. Comparisons of a property with a value, joined
// by -and alone; names, operators and texts in any letter case. Pure. What can be compared, and how, the cmdlet declares, so
// a filter that makes no sense is refused even where there is nothing to compare with.

import { Problem } from '../problem.ts';
import { isSize, type OutputRecord, type OutputValue } from './output.ts';
import { readValue } from './parameter-values.ts';
import { didYouMean } from './suggestion.ts';

/** How a property's values are compared. Only texts have -like. */
export type PropertyKind = 'text' | 'number' | 'size' | 'date';

/** The properties that a filter may name. */
export type FilterProperties = Readonly<Record<string, PropertyKind>>;

export type RecordFilter = (record: OutputRecord) => boolean;

type Comparable = string | number | undefined;

/** Undefined on either side is a value that is not there: it equals itself, and is neither greater nor less. */
const OPERATORS = {
  '-eq': (value, wanted) => value === wanted,
  '-ne': (value, wanted) => value !== wanted,
  '-gt': (value, wanted) => value !== undefined && wanted !== undefined && value > wanted,
  '-ge': (value, wanted) => value !== undefined && wanted !== undefined && value >= wanted,
  '-lt': (value, wanted) => value !== undefined && wanted !== undefined && value < wanted,
  '-le': (value, wanted) => value !== undefined && wanted !== undefined && value <= wanted,
  '-like': (value, wanted) => matchesWildcards(String(value), String(wanted)),
} as const satisfies Record<string, (value: Comparable, wanted: Comparable) => boolean>;

type Operator = keyof typeof OPERATORS;

interface Word {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** The filter that `text` describes, with or without PowerShell's braces around it; throws Problem `bad-filter` or `bad-value`. */
export function parseFilterExpression(text: string, properties: FilterProperties): RecordFilter {
  const words = splitWords(/^\s*\{(.*)\}\s*$/s.exec(text)?.[1] ?? text);
  const tests: RecordFilter[] = [];
  for (let index = 0; ; index += 4) {
    tests.push(readComparison(words.slice(index, index + 3), properties));
    const joint = words[index + 3];
    if (joint === undefined) break;
    if (joint.isQuoted || joint.text.toLowerCase() !== '-and') {
      throw refuse(`comparisons are joined by -and, not by ${quote(joint)}`);
    }
  }
  return (record) => tests.every((test) => test(record));
}

function splitWords(text: string): Word[] {
  const words: Word[] = [];
  const pattern = /\s*(?:'((?:[^']|'')*)'|"((?:[^"]|"")*)"|([^\s'"]+))/y;
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const found = pattern.exec(text);
    if (!found) throw refuse('a quotation mark is opened and not closed');
    const [, single, double, bare] = found;
    const quoted = single?.replaceAll("''", "'") ?? double?.replaceAll('""', '"');
    words.push({ text: quoted ?? bare ?? '', isQuoted: quoted !== undefined });
  }
  return words;
}

function readComparison([property, sign, value]: readonly Word[], properties: FilterProperties): RecordFilter {
  const name = findProperty(property, properties);
  const kind = properties[name] ?? 'text';
  const operator = findOperator(name, sign);
  if (operator === '-like' && kind !== 'text') throw refuse(`-like compares texts, and ${name} is a ${kind}`);
  if (value === undefined || isDashed(value)) throw refuse(`a value is missing after ${name} ${operator}`);
  const wanted = readWanted(value, kind);
  return (record) => OPERATORS[operator](normalize(record[name], kind), wanted);
}

/** The declared spelling of a property's name. */
function findProperty(word: Word | undefined, properties: FilterProperties): string {
  if (word === undefined) throw refuse("a comparison is missing; write it as Property -eq 'value'");
  const names = Object.keys(properties);
  const found = names.find((name) => !word.isQuoted && name.toLowerCase() === word.text.toLowerCase());
  if (found !== undefined) return found;
  throw refuse(`${quote(word)} is not one of the properties to filter by${didYouMean(word.text, names)}`);
}

function findOperator(name: string, word: Word | undefined): Operator {
  if (word === undefined) throw refuse(`an operator is missing after ${name}`);
  const typed = word.text.toLowerCase();
  if (!word.isQuoted && Object.hasOwn(OPERATORS, typed)) return typed as Operator;
  throw refuse(`${quote(word)} is not one of the operators ${Object.keys(OPERATORS).join(', ')}`);
}

/** -and or -eq, but not -5. */
function isDashed({ text, isQuoted }: Word): boolean {
  return !isQuoted && /^-[a-z]/i.test(text);
}

function readWanted(word: Word, kind: PropertyKind): Comparable {
  const isNull = !word.isQuoted && word.text.toLowerCase() === '$null';
  if (kind === 'text') return isNull ? '' : word.text.toLowerCase();
  if (isNull) return undefined;
  const value = readValue('Filter', { type: kind === 'number' ? 'integer' : kind, help: '' }, [word.text]);
  if (value === 'unlimited') return Number.POSITIVE_INFINITY;
  return value instanceof Date ? value.getTime() : Number(value);
}

function normalize(value: OutputValue, kind: PropertyKind): Comparable {
  if (kind === 'text') return typeof value === 'string' ? value.toLowerCase() : '';
  if (value instanceof Date) return value.getTime();
  if (isSize(value)) return value.$size === 'unlimited' ? Number.POSITIVE_INFINITY : value.$size;
  return typeof value === 'number' ? value : undefined;
}

/** `*` stands for anything. Not by a regular expression, which many stars would slow down beyond measure. */
export function matchesWildcards(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  const end = text.length - last.length;
  if (!text.startsWith(first) || !text.endsWith(last) || first.length > end) return false;
  let position = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found < 0 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}

function refuse(reason: string): Problem {
  return new Problem('bad-filter', `-Filter: ${reason}`);
}

function quote({ text }: Word): string {
  return `"${text.length > 60 ? `${text.slice(0, 57)}...` : text}"`;
}
