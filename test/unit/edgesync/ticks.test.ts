import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  dateToTicks,
  durationToTicks,
  MAX_TICKS,
  ticksToDate,
  ticksToDurationMs,
} from '../../../src/edgesync/ticks.ts';

describe('ticks', () => {
  it.each([
    ['0001-01-01T00:00:00.000Z', 0n],
    ['1970-01-01T00:00:00.000Z', 621_355_968_000_000_000n],
    ['2000-01-01T00:00:00.000Z', 630_822_816_000_000_000n],
    ['9999-12-31T23:59:59.999Z', 3_155_378_975_999_990_000n],
  ])('of %s are %d', (text, ticks) => {
    expect(dateToTicks(new Date(text))).toBe(ticks);
    expect(ticksToDate(ticks).toISOString()).toBe(text);
  });

  it('of an Exchange file are the date they say', () => {
    expect(ticksToDate(633_109_280_396_562_500n).toISOString()).toBe('2007-03-31T08:53:59.656Z');
    expect(ticksToDate(MAX_TICKS).toISOString()).toBe('9999-12-31T23:59:59.999Z');
  });

  it('keep every date from the year 1 to 9999 to the millisecond', () => {
    const date = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (given) => {
        expect(ticksToDate(dateToTicks(given))).toEqual(given);
      }),
    );
  });

  it('never round a finer moment up', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MAX_TICKS }), (ticks) => {
        const lost = ticks - dateToTicks(ticksToDate(ticks));
        expect(lost >= 0n && lost < 10_000n).toBe(true);
      }),
    );
  });

  it('of a day are 864000000000', () => {
    expect(durationToTicks(86_400_000)).toBe(864_000_000_000n);
    expect(durationToTicks(0.5)).toBe(0n);
    fc.assert(
      fc.property(fc.maxSafeNat(), (durationMs) => {
        expect(ticksToDurationMs(durationToTicks(durationMs))).toBe(durationMs);
      }),
    );
  });
});
