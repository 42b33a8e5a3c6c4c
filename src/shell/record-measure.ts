// `| measure MessageCount`: how many records, and of numbers, sizes and durations the sum, mean, least and greatest. Pure.

import {
  isSize,
  isTimeSpan,
  type OutputRecord,
  type OutputValue,
  sizeValue,
  timeSpanValue,
} from '../cmdlets/output.ts';
import { Problem } from '../problem.ts';
import { findProperty, propertiesOf } from './record-properties.ts';

/** One record for each name, or one with the count alone. Throws Problem `unknown-property`, or `bad-value` for what cannot be added up. */
export function measureRecords(records: readonly OutputRecord[], names: readonly string[]): readonly OutputRecord[] {
  if (names.length === 0 || records.length === 0) return [{ Count: records.length }];
  const properties = propertiesOf(records);
  return names.map((typed) => {
    const name = findProperty(typed, properties);
    return measureProperty(name, records.map((record) => record[name]).filter(isThere));
  });
}

function isThere(value: OutputValue): boolean {
  return value !== null && value !== undefined;
}

function measureProperty(name: string, values: readonly OutputValue[]): OutputRecord {
  const numbers = values.map((value) => amountOf(name, value));
  const like = (amount: number): OutputValue => giveUnit(values[0], amount);
  const sum = numbers.reduce((total, one) => total + one, 0);
  if (numbers.length === 0) return { Property: name, Count: 0, Sum: null, Average: null, Minimum: null, Maximum: null };
  return {
    Property: name,
    Count: numbers.length,
    Sum: like(sum),
    Average: like(sum / numbers.length),
    Minimum: like(numbers.reduce((least, one) => Math.min(least, one))),
    Maximum: like(numbers.reduce((most, one) => Math.max(most, one))),
  };
}

function amountOf(name: string, value: OutputValue): number {
  if (typeof value === 'number') return value;
  if (isSize(value)) return value.$size === 'unlimited' ? Number.POSITIVE_INFINITY : value.$size;
  if (isTimeSpan(value)) return value.$timeSpan;
  throw new Problem('bad-value', `${name} cannot be added up: it is no number, size or duration`);
}

function giveUnit(sample: OutputValue, amount: number): OutputValue {
  if (isSize(sample)) return sizeValue(Number.isFinite(amount) ? amount : 'unlimited');
  return isTimeSpan(sample) ? timeSpanValue(amount) : amount;
}
