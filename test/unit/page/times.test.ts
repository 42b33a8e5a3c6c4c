// Times and amounts in words.

import { describe, expect, it } from 'vitest';
import { formatClock, formatDay, formatMoment, formatSize, formatSpan } from '../../../src/page/times.ts';

const AT = Date.UTC(2027, 11, 24, 20, 1, 2, 34);

describe('times', () => {
  it('are UTC', () => {
    expect([formatClock(AT), formatMoment(AT), formatDay(AT)]).toEqual([
      '20:01:02.034',
      '2027-12-24 20:01:02',
      '2027-12-24',
    ]);
  });

  it.each([
    [40, '0.04 s'],
    [9400, '9.4 s'],
    [61_000, '1 min 1 s'],
    [3_600_000, '1 h'],
    [90_000_000, '1 d 1 h'],
    [400 * 86_400_000 + 5000, '400 d'],
    [-172_800_000, '2 d'],
  ])('%i ms is %s', (ms, said) => {
    expect(formatSpan(ms)).toBe(said);
  });

  it.each([
    [426, '426 B'],
    [12_288, '12 KB'],
    [3_565_158, '3.4 MB'],
  ])('%i is %s', (bytes, said) => {
    expect(formatSize(bytes)).toBe(said);
  });
});
