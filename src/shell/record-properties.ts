// What properties records have, and of which kind each is: read off the records themselves. Pure.

import { type FilterProperties } from '../cmdlets/filter-expression.ts';
import type { PropertyKind } from '../cmdlets/filter-value.ts';
import { isSize, isTimeSpan, type OutputRecord, type OutputValue } from '../cmdlets/output.ts';
import { didYouMean } from '../cmdlets/suggestion.ts';
import { Problem } from '../problem.ts';

/** Every property of any of the records, with the kind of its first value that is there. */
export function propertiesOf(records: readonly OutputRecord[]): FilterProperties {
  const kinds = new Map<string, PropertyKind | undefined>();
  for (const record of records) {
    for (const [name, value] of Object.entries(record)) kinds.set(name, kinds.get(name) ?? kindOf(value));
  }
  return Object.fromEntries([...kinds].map(([name, kind]) => [name, kind ?? 'text']));
}

function kindOf(value: OutputValue): PropertyKind | undefined {
  if (value === null || value === undefined) return undefined;
  if (value instanceof Date) return 'date';
  if (isSize(value)) return 'size';
  if (isTimeSpan(value)) return 'duration';
  if (typeof value === 'number') return 'number';
  return typeof value === 'boolean' ? 'boolean' : 'text';
}

/** The property's own spelling; throws Problem `unknown-property`. */
export function findProperty(typed: string, properties: FilterProperties): string {
  const names = Object.keys(properties);
  const found = names.find((name) => name.toLowerCase() === typed.toLowerCase());
  if (found !== undefined) return found;
  throw new Problem('unknown-property', `there is no property "${typed}" here${didYouMean(typed, names)}`);
}
