// Records as a table that can be scrolled sideways on a phone, by keyboard too.

import type { ComponentChildren } from 'preact';
import type { ApiRecord } from './api.ts';

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  readonly isNumber?: boolean;
  /** Of any length, without a space perhaps: gives way before the table has to be scrolled. */
  readonly isLong?: boolean;
}

interface RecordTableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly records: readonly Row[];
  readonly keyOf: (row: Row, index: number) => string;
  /** Said instead where there are none. */
  readonly none: string;
}

export function RecordTable<Row = ApiRecord>({ label, columns, records, keyOf, none }: RecordTableProps<Row>) {
  if (records.length === 0) return <p class="quiet">{none}</p>;
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {columns.map(({ title, isNumber }) => (
              <th key={title} scope="col" class={isNumber === true ? 'number' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {records.map((record, index) => (
            <tr key={keyOf(record, index)}>
              {columns.map(({ title, cell, isNumber, isLong }) => (
                <td key={title} class={isNumber === true ? 'number' : isLong === true ? 'long' : undefined}>
                  {cell(record)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
