import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPageOrder, takePage } from '../../../src/cmdlets/result-page.ts';

const PROPERTIES = { Count: 'number', Name: 'text' } as const;

const records = fc.array(
  fc.record({
    Count: fc.option(fc.integer({ min: 0, max: 5 })),
    Name: fc.constantFrom('a', 'B', 'c'),
    Place: fc.nat(),
  }),
);

describe('takePage', () => {
  it('is the page that one would cut out of everything, sorted', async () => {
    const sorts = fc.constantFrom<readonly string[] | undefined>(
      undefined,
      ['+Count'],
      ['-Name', 'Count'],
      ['-count', '+NAME'],
    );
    await fc.assert(
      fc.asyncProperty(
        records,
        sorts,
        fc.integer({ min: 1, max: 8 }),
        fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant('unlimited' as const)),
        async (all, SortOrder, BookmarkIndex, ResultSize) => {
          const wish = { SortOrder, BookmarkIndex, ResultSize, ReturnPageInfo: undefined };
          const order = readPageOrder(wish, PROPERTIES);
          const whole = order ? all.toSorted(order) : all;
          const end = ResultSize === 'unlimited' ? all.length : BookmarkIndex - 1 + ResultSize;
          const page = await takePage(all, wish, order);
          expect(page.records).toEqual(whole.slice(BookmarkIndex - 1, end));
          expect(page.warnings === undefined).toBe(all.length <= end || ResultSize === 'unlimited');
        },
      ),
    );
  });

  it('puts what is not there first, and last the other way round', async () => {
    const all = [{ Count: 2 }, { Count: null }, { Count: 1 }];
    const sorted = async (key: string): Promise<unknown[]> => {
      const wish = { SortOrder: [key], BookmarkIndex: 1, ResultSize: 9, ReturnPageInfo: undefined };
      return (await takePage(all, wish, readPageOrder(wish, PROPERTIES))).records.map(({ Count }) => Count);
    };
    expect(await sorted('+Count')).toEqual([null, 1, 2]);
    expect(await sorted('-Count')).toEqual([2, 1, null]);
  });
});
