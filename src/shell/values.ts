// How values read: to a person as PowerShell writes them (True, {a, b}, 35 MB (36,700,160 bytes), 1.02:03:04), to a program
// as JSON. Dates are UTC in both, so that two servers' lists can be compared.

import { isList, isSize, isTimeSpan, type OutputRecord, type OutputValue } from '../cmdlets/output.ts';
import { escapeJson, toJson } from '../cmdlets/output-json.ts';
import { formatTimeSpan } from '../duration.ts';
import { escapeText } from '../unsafe-text.ts';

/** One line, safe to print. */
export function formatValue(value: OutputValue): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (value instanceof Date) return formatDate(value);
  if (isList(value)) return `{${value.map(formatValue).join(', ')}}`;
  if (isSize(value)) return formatSize(value.$size);
  if (isTimeSpan(value)) return formatTimeSpan(value.$timeSpan);
  const properties = Object.entries(value).map(([name, item]) => `${escapeText(name)}=${formatValue(item)}`);
  return `@{${properties.join('; ')}}`;
}

function formatDate(date: Date): string {
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('T', ' ').replace(/\.\d+/, '');
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

/** As Exchange prints sizes: four significant digits of the largest unit, and the bytes. */
function formatSize(bytes: number | 'unlimited'): string {
  if (bytes === 'unlimited') return 'Unlimited';
  const exponent = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = Number((bytes / 1024 ** exponent).toPrecision(4));
  return `${amount} ${UNITS[exponent]} (${bytes.toLocaleString('en-US')} bytes)`;
}

/** All records as one JSON array with two spaces' indent: dates in ISO 8601, sizes in bytes, time spans as typed. */
export function formatJson(records: readonly OutputRecord[]): string {
  return escapeJson(JSON.stringify(records.map(toJson), undefined, 2));
}
