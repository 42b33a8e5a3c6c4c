// Records as a table that can be scrolled sideways on a phone, by keyboard too.

import type { ComponentChildren } from 'preact';
import type { ApiRecord } from './api.ts';

export interface Column {
  readonly title: string;
  readonly cell: (record: ApiRecord) => ComponentChildren;
  readonly isNumber?: boolean;
}

interface RecordTableProps {
  readonly label: string;
  readonly columns: readonly Column[];
  readonly records: readonly ApiRecord[];
  readonly keyOf: (record: ApiRecord, index: number) => string;
  /** Said instead where there are none. */
  readonly none: string;
}

export function RecordTable({ label, columns, records, keyOf, none }: RecordTableProps) {
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
              {columns.map(({ title, cell, isNumber }) => (
                <td key={title} class={isNumber === true ? 'number' : undefined}>
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
