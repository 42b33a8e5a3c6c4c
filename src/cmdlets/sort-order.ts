// Exchange's -SortOrder: "+Status,-Size": by Status upwards, and by Size downwards where that is the same. Pure.

import { Problem } from '../problem.ts';
import type { FilterProperties } from './filter-expression.ts';
import { comparableOf } from './filter-value.ts';
import type { OutputRecord } from './output.ts';
import { didYouMean } from './suggestion.ts';

/** The parameter. */
export const SORT_ORDER = {
  type: 'strings',
  help: 'Properties to sort by, each with + (upwards) or - (downwards) in front, as in "+Status,-Size"',
} as const;

export type RecordOrder = (a: OutputRecord, b: OutputRecord) => number;

/** Compares two records as `keys` say, values that are not there first; throws Problem `bad-value`. */
export function compileSortOrder(keys: readonly string[], properties: FilterProperties): RecordOrder {
  const orders = keys.map((key) => compileKey(key, properties));
  return (a, b) => {
    for (const order of orders) {
      const found = order(a, b);
      if (found !== 0) return found;
    }
    return 0;
  };
}

function compileKey(key: string, properties: FilterProperties): RecordOrder {
  const [, sign, typed = ''] = /^([+-]?)(.*)$/s.exec(key.trim()) ?? [];
  const names = Object.keys(properties);
  const name = names.find((candidate) => candidate.toLowerCase() === typed.toLowerCase());
  if (name === undefined) {
    const shown = typed.length > 60 ? `${typed.slice(0, 57)}...` : typed;
    throw new Problem(
      'bad-value',
      `-SortOrder: "${shown}" is not one of the properties ${names.join(', ')}${didYouMean(typed, names)}`,
    );
  }
  const kind = properties[name] ?? 'text';
  const direction = sign === '-' ? -1 : 1;
  return (a, b) => {
    const [x, y] = [comparableOf(a[name], kind), comparableOf(b[name], kind)];
    if (x === y) return 0;
    if (x === undefined || y === undefined) return x === undefined ? -direction : direction;
    return x < y ? -direction : direction;
  };
}
