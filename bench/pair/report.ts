// Medians of rounds, and ratios to Postfix where it ran, as a Markdown table.

import type { Result } from './run.ts';

/** The comparison that ratios are made to. */
const BASE = 'postfix';

/** One row for each case and contestant. */
export function formatTable(results: readonly Result[]): string {
  const rows = [...new Set(results.map((result) => result.case))].flatMap((name) => {
    const ofCase = results.filter((result) => result.case === name);
    return [...new Set(ofCase.map(({ entry }) => entry))].map((entry) => formatRow(name, entry, ofCase));
  });
  return [
    '| case | pair | runs | messages/s | ratio | CPU ms/message | ratio | PSS MiB | p50 ms | ratio | p99 ms | ratio |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function formatRow(name: string, entry: string, ofCase: readonly Result[]): string {
  const own = ofCase.filter((result) => result.entry === entry);
  const base = ofCase.filter((result) => result.entry === BASE);
  const pairOf = (read: (result: Result) => number | undefined): string[] => {
    const value = median(own.flatMap((result) => read(result) ?? []));
    const compared = median(base.flatMap((result) => read(result) ?? []));
    const ratio = value !== undefined && compared !== undefined ? `${(value / compared).toFixed(2)} ×` : '-';
    return [value === undefined ? '-' : format(value), ratio];
  };
  const cells = [
    ...pairOf(({ perSecond }) => perSecond),
    ...pairOf(({ cpuMsPerMessage }) => cpuMsPerMessage),
    format(Math.max(...own.map(({ pssMib }) => pssMib))),
    ...pairOf(({ latency }) => latency?.p50Ms),
    ...pairOf(({ latency }) => latency?.p99Ms),
  ];
  return `| ${[name, entry, own.length, ...cells].join(' | ')} |`;
}

/** Three digits, or all before the point. */
export function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/** Undefined of none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.ceil((sorted.length - 1) / 2)]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
