// -ResultSize, as the cmdlets have it that may find more than a person wants to read.

import type { CmdletOutput, OutputRecord } from './output.ts';

/** The parameter, with Exchange's default. */
export const RESULT_SIZE = {
  type: 'count',
  minimum: 1,
  default: '1000',
  help: 'At most so many; a number or unlimited',
} as const;

/** How many to look for so that it shows whether there are more than `resultSize`. */
export function searchSize(resultSize: number | 'unlimited'): number {
  return resultSize === 'unlimited' ? Number.POSITIVE_INFINITY : resultSize + 1;
}

/** The first `resultSize` records, and Exchange's warning when there are more. Takes no more of them than it must. */
export function limitRecords(records: Iterable<OutputRecord>, resultSize: number | 'unlimited'): CmdletOutput {
  const limit = resultSize === 'unlimited' ? Number.POSITIVE_INFINITY : resultSize;
  const taken: OutputRecord[] = [];
  for (const record of records) {
    if (taken.length >= limit) return { records: taken, warnings: [explainMore(limit)] };
    taken.push(record);
  }
  return { records: taken };
}

/** The warning itself. */
export function explainMore(limit: number): string {
  return `there are more results than the ${limit.toLocaleString('en-US')} shown: ask for less, or set -ResultSize higher`;
}
