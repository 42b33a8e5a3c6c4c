// `| where Status -eq Retry -and MessageCount -gt 10`: a cmdlet's -Filter, for the records of any cmdlet. Pure. A list is
// compared as the text that a table shows of it.

import { parseFilterExpression } from '../cmdlets/filter-expression.ts';
import type { OutputRecord } from '../cmdlets/output.ts';
import { isProblem, Problem } from '../problem.ts';
import { propertiesOf } from './record-properties.ts';
import { formatValue } from './values.ts';

/** Throws Problem `bad-filter` or `bad-value`. */
export function filterRecords(records: readonly OutputRecord[], text: string): readonly OutputRecord[] {
  if (records.length === 0) return records;
  const properties = propertiesOf(records);
  const matches = named(() => parseFilterExpression(text, properties));
  return records.filter((record) => matches(comparable(record)));
}

/** Lists and objects have no order of their own. */
function comparable(record: OutputRecord): OutputRecord {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, isCompound(value) ? formatValue(value) : value]),
  );
}

function isCompound(value: OutputRecord[string]): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Date) return false;
  return Array.isArray(value) || !Object.keys(value).some((name) => name.startsWith('$'));
}

/** A filter's sentences begin with the parameter that a cmdlet has for it. */
function named<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (isProblem(error)) throw new Problem(error.code, error.message.replace(/^-Filter/, '| where'));
    throw error;
  }
}
