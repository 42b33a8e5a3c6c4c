// Medians of rounds as Markdown: a row for each case and layout, with ratios to the first layout.

import { format, median } from '../pair/report.ts';
import { LAYOUTS } from './layouts.ts';
import type { Result } from './run.ts';

/** The medians of what is measured of one layout in one case. */
export function medianOf(results: readonly Result[], read: (result: Result) => number | undefined): number | undefined {
  return median(results.flatMap((result) => read(result) ?? []));
}

export function formatTable(results: readonly Result[]): string {
  const rows = [...new Set(results.map((result) => result.case))].flatMap((name) =>
    LAYOUTS.filter((layout) => results.some((result) => result.layout === layout.name)).map((layout) =>
      formatRow(
        results.filter((result) => result.case === name),
        name,
        layout.name,
      ),
    ),
  );
  return [
    '| case | spool, Hubs | runs | messages/s | ratio | Hub CPU ms/message | ratio | database CPU ms/message | one core of it carries, messages/s | transactions/message | WAL syncs/message | WAL KiB/message | p50 ms | ratio | p99 ms | ratio | load |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function formatRow(ofCase: readonly Result[], name: string, layout: string): string {
  const own = ofCase.filter((result) => result.layout === layout);
  const base = ofCase.filter((result) => result.layout === LAYOUTS[0]?.name);
  const cell = (read: (result: Result) => number | undefined): string => {
    const value = medianOf(own, read);
    return value === undefined || value === 0 ? '-' : format(value);
  };
  const ratio = (read: (result: Result) => number | undefined): string => {
    const [value, compared] = [medianOf(own, read), medianOf(base, read)];
    return value === undefined || compared === undefined ? '-' : `${(value / compared).toFixed(2)} ×`;
  };
  const withRatio = (read: (result: Result) => number | undefined): string[] => [cell(read), ratio(read)];
  const cells = [
    ...withRatio(({ perSecond }) => perSecond),
    ...withRatio(({ hubCpuMs }) => hubCpuMs),
    cell(({ databaseCpuMs }) => databaseCpuMs),
    cell(({ databaseCpuMs }) => (databaseCpuMs > 0 ? 1000 / databaseCpuMs : 0)),
    cell(({ database }) => database.transactions),
    cell(({ database }) => database.walSyncs),
    cell(({ database }) => database.walBytes / 1024),
    ...withRatio(({ latency }) => latency?.p50Ms),
    ...withRatio(({ latency }) => latency?.p99Ms),
    cell(({ load }) => load),
  ];
  return `| ${[name, layout, own.length, ...cells].join(' | ')} |`;
}
