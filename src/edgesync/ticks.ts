// .NET's time as the Edge Subscription file writes it: ticks of 100 ns since 0001-01-01 (UTC), 64 bits wide, so BigInt.
// What is finer than a millisecond is dropped on the way to a Date.

const TICKS_PER_MS = 10_000n;
const MS_FROM_YEAR_1_TO_1970 = 62_135_596_800_000n;

/** The last tick of the year 9999, .NET's DateTime.MaxValue. */
export const MAX_TICKS = 3_155_378_975_999_999_999n;

/** Ticks of a date. */
export function dateToTicks(date: Date): bigint {
  return (BigInt(date.getTime()) + MS_FROM_YEAR_1_TO_1970) * TICKS_PER_MS;
}

/** The date of ticks from 0 to MAX_TICKS. */
export function ticksToDate(ticks: bigint): Date {
  return new Date(Number(ticks / TICKS_PER_MS - MS_FROM_YEAR_1_TO_1970));
}

/** Ticks of a duration; parts of a millisecond are dropped. */
export function durationToTicks(durationMs: number): bigint {
  return BigInt(Math.trunc(durationMs)) * TICKS_PER_MS;
}

/** Milliseconds of a duration in ticks. */
export function ticksToDurationMs(ticks: bigint): number {
  return Number(ticks / TICKS_PER_MS);
}
