// PowerShell's Format-List: `Name : value`, colons in one line, an empty line between records.

import type { OutputRecord } from '../cmdlets/output.ts';
import { pad, widthOf } from './text.ts';
import { escapeText } from '../unsafe-text.ts';
import { formatValue } from './values.ts';

/** The lines of the list, every value whole. */
export function formatList(records: readonly OutputRecord[]): string[] {
  return records.flatMap((record, index) => {
    const lines = formatRecord(record);
    return index === 0 ? lines : ['', ...lines];
  });
}

function formatRecord(record: OutputRecord): string[] {
  const names = Object.keys(record);
  const width = Math.max(0, ...names.map((name) => widthOf(escapeText(name))));
  return names.map((name) => `${pad(escapeText(name), width)} : ${formatValue(record[name])}`.trimEnd());
}

/** The properties that `patterns` name, in the patterns' order; letter case is ignored and * stands for anything. */
export function selectProperties(record: OutputRecord, patterns: readonly string[]): OutputRecord {
  const chosen = patterns.flatMap((pattern) => {
    const expression = new RegExp(`^${pattern.replaceAll(/[.+^${}()|[\]\\?]/g, '\\$&').replaceAll('*', '.*')}$`, 'i');
    return Object.entries(record).filter(([name]) => expression.test(name));
  });
  return Object.fromEntries(chosen);
}
