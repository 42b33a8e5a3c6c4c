// PowerShell's Format-Table: headings, dashes, columns as wide as their content, numbers on the right. On a terminal the
// widest columns give way until the table fits; into a pipe or file everything is written whole.

import type { Column, OutputRecord, OutputValue } from '../cmdlets/output.ts';
import { pad, truncate, widthOf } from './text.ts';
import { escapeText } from '../unsafe-text.ts';
import { formatValue } from './values.ts';

/** No column is cut below this while another is wider. */
const MIN_WIDTH = 8;

interface TextColumn {
  readonly header: string;
  readonly cells: readonly string[];
  readonly align: 'left' | 'right';
  width: number;
}

/** The lines of the table, without line ends; none when there are no records. `maxWidth` is the terminal's, if there is one. */
export function formatTable(records: readonly OutputRecord[], columns: readonly Column[], maxWidth?: number): string[] {
  if (records.length === 0 || columns.length === 0) return [];
  const texts = columns.map((column) => layOut(column, records));
  if (maxWidth !== undefined) shrink(texts, maxWidth);
  const rows = records.map((_, row) => texts.map((column) => cell(column, column.cells[row] ?? '')));
  return [
    texts.map((column) => cell(column, column.header)),
    texts.map((column) => cell(column, '-'.repeat(Math.min(column.width, widthOf(column.header))))),
    ...rows,
  ].map((line) => line.join(' ').trimEnd());
}

function layOut(column: Column, records: readonly OutputRecord[]): TextColumn {
  const values = records.map((record) => readCell(column, record));
  const header = escapeText(typeof column === 'string' ? column : column.header);
  const cells = values.map(formatValue);
  const isNumeric =
    values.some((value) => typeof value === 'number') &&
    values.every((value) => typeof value === 'number' || value === null);
  // Not by spreading: a tracking log may have more rows than a call may have arguments.
  const width = cells.reduce((widest, text) => Math.max(widest, widthOf(text)), widthOf(header));
  return { header, cells, align: isNumeric ? 'right' : 'left', width };
}

function readCell(column: Column, record: OutputRecord): OutputValue {
  return (typeof column === 'string' ? record[column] : column.value(record)) ?? null;
}

function shrink(columns: readonly TextColumn[], maxWidth: number): void {
  let excess = columns.reduce((sum, column) => sum + column.width + 1, -1) - maxWidth;
  while (excess > 0) {
    const widest = columns.reduce((a, b) => (b.width > a.width ? b : a));
    if (widest.width <= MIN_WIDTH) return;
    // Down to the second widest in one step, so that huge cells cost no loop of their own length.
    const next = Math.max(MIN_WIDTH, ...columns.filter((column) => column !== widest).map((column) => column.width));
    const step = Math.min(excess, Math.max(1, widest.width - next));
    widest.width -= step;
    excess -= step;
  }
}

function cell(column: TextColumn, text: string): string {
  return pad(truncate(text, column.width), column.width, column.align);
}
