// `| sort MessageCount -Descending`. Pure.

import { comparableOf } from '../cmdlets/filter-value.ts';
import type { OutputRecord } from '../cmdlets/output.ts';
import { findProperty, propertiesOf } from './record-properties.ts';

/** By the first name, then by the next; what is not there comes first. Throws Problem `unknown-property`. */
export function sortRecords(
  records: readonly OutputRecord[],
  names: readonly string[],
  isDescending: boolean,
): readonly OutputRecord[] {
  if (records.length === 0) return records;
  const properties = propertiesOf(records);
  const keys = names.map((typed) => findProperty(typed, properties));
  const direction = isDescending ? -1 : 1;
  return records.toSorted((a, b) => {
    for (const key of keys) {
      const kind = properties[key] ?? 'text';
      const order = compare(comparableOf(a[key], kind), comparableOf(b[key], kind));
      if (order !== 0) return order * direction;
    }
    return 0;
  });
}

function compare(a: string | number | undefined, b: string | number | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return -1;
  return b === undefined || a > b ? 1 : -1;
}
