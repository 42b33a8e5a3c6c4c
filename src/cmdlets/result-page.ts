// A page of many results: -SortOrder, -BookmarkIndex, -ResultSize and -ReturnPageInfo, as Get-Queue and Get-Message have them.
// However many results there are, no more are held than lead up to the end of the page.

import type { FilterProperties } from './filter-expression.ts';
import type { CmdletOutput, OutputRecord } from './output.ts';
import { explainMore, RESULT_SIZE } from './result-size.ts';
import { compileSortOrder, type RecordOrder, SORT_ORDER } from './sort-order.ts';

/** The parameters. */
export const PAGE_PARAMETERS = {
  ResultSize: RESULT_SIZE,
  SortOrder: SORT_ORDER,
  BookmarkIndex: { type: 'integer', minimum: 1, help: 'The position of the first result to show, counted from 1' },
  ReturnPageInfo: { type: 'boolean', help: 'Says which results these are and how many there are in all' },
} as const;

export interface PageWish {
  readonly ResultSize: number | 'unlimited';
  readonly SortOrder: readonly string[] | undefined;
  readonly BookmarkIndex: number | undefined;
  readonly ReturnPageInfo: boolean | undefined;
}

/** Compares as -SortOrder says; undefined when it was not given. Throws Problem `bad-value`. */
export function readPageOrder({ SortOrder }: PageWish, properties: FilterProperties): RecordOrder | undefined {
  return SortOrder === undefined || SortOrder.length === 0 ? undefined : compileSortOrder(SortOrder, properties);
}

/** The page wished for. Asks for no more records than it must: all of them only to sort or to count. */
export async function takePage(
  records: AsyncIterable<OutputRecord> | Iterable<OutputRecord>,
  wish: PageWish,
  order: RecordOrder | undefined,
): Promise<CmdletOutput> {
  const from = (wish.BookmarkIndex ?? 1) - 1;
  const size = wish.ResultSize === 'unlimited' ? Number.POSITIVE_INFINITY : wish.ResultSize;
  const end = from + size;
  const mustSeeAll = order !== undefined || wish.ReturnPageInfo === true;
  let kept: OutputRecord[] = [];
  let count = 0;
  for await (const record of records) {
    count += 1;
    if (count <= end || order) kept.push(record);
    if (order && kept.length >= 2 * end) kept = keepFirst(kept, end, order);
    if (count > end && !mustSeeAll) break;
  }
  const page = (order ? keepFirst(kept, end, order) : kept).slice(from);
  return {
    records: page,
    ...(wish.ReturnPageInfo === true && { notices: [explainPage(from, page.length, count)] }),
    ...(count > end && { warnings: [explainMore(size)] }),
  };
}

function keepFirst(records: readonly OutputRecord[], count: number, order: RecordOrder): OutputRecord[] {
  return records.toSorted(order).slice(0, count);
}

function explainPage(from: number, shown: number, all: number): string {
  const [first, last, total] = [from + 1, from + shown, all].map((value) => value.toLocaleString('en-US'));
  return shown === 0 ? `No results from ${first} on, of ${total}.` : `Results ${first} to ${last} of ${total}.`;
}
