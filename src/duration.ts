// Durations and clock offsets as people type them: 2s, 15m, 24h, 400d, and Exchange's time span 1.02:03:04.

import { type ClockCourse, MAX_CLOCK_SPEED } from './clock.ts';
import { Problem } from './problem.ts';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Longer than that is a slip of the finger, and would lead to dates that there are none of. */
const MAX_DURATION_MS = 36_525 * UNIT_MS.d;

/** Milliseconds of "2s", "1h30m", "400d" or "[d.]hh:mm:ss"; throws Problem `bad-duration`. */
export function parseDuration(text: string): number {
  const durationMs = readTimeSpan(text.trim()) ?? readUnits(text.trim());
  if (durationMs === undefined) {
    throw new Problem('bad-duration', `"${text}" is not a duration; write it as 2s, 15m, 24h, 400d or 1.00:00:00`);
  }
  if (durationMs > MAX_DURATION_MS) {
    throw new Problem('bad-duration', `"${text}" is longer than a hundred years; write it as 2s, 15m, 24h or 400d`);
  }
  return durationMs;
}

/** .NET's [d.]hh:mm:ss, and 24:00:00, which Exchange's own pages write for a day. */
function readTimeSpan(text: string): number | undefined {
  const [, days = '0', hours, minutes, seconds] =
    /^(?:(\d{1,8})\.)?([01]?\d|2[0-4]):([0-5]\d):([0-5]\d)$/.exec(text) ?? [];
  if (hours === undefined) return undefined;
  const { d, h, m, s } = UNIT_MS;
  return Number(days) * d + Number(hours) * h + Number(minutes) * m + Number(seconds) * s;
}

/** 1h30m */
function readUnits(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    totalMs += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  return totalMs;
}

/** Milliseconds to move a clock by: "+400d", "-2h", or a date to start at (ISO 8601); throws Problem `bad-clock`. */
export function parseClockOffset(text: string, realNow: Date): number {
  const relative = /^([+-])(.+)$/.exec(text.trim());
  if (relative) return (relative[1] === '-' ? -1 : 1) * parseDuration(relative[2] ?? '');
  // Date.parse alone takes almost anything that has a number in it.
  const date = /^\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?$/.test(text.trim())
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(date)) {
    throw new Problem(
      'bad-clock',
      `"${text}" is no clock setting; write +400d, -2h or a date such as 2027-12-24T20:00:00Z`,
    );
  }
  return date - realNow.getTime();
}

/** "+400d", "+400d,3600" for a speed, "+400d,3600,2027-12-24T20:00:00Z" for when it began; throws Problem `bad-clock`. */
export function parseClockCourse(text: string, realNow: Date): ClockCourse {
  const [offset = '', speedText = '1', sinceText, ...rest] = text.split(',');
  const speed = Number(speedText);
  const since = sinceText === undefined ? realNow : new Date(sinceText);
  const isSpeed = /^\d{1,6}$/.test(speedText) && speed <= MAX_CLOCK_SPEED;
  if (!isSpeed || rest.length > 0 || !(since <= realNow)) {
    throw new Problem(
      'bad-clock',
      `"${text}" is no clock setting; write +400d, or +400d,3600 for a clock that runs 3600 times as fast (at most ${MAX_CLOCK_SPEED})`,
    );
  }
  return { offsetMs: parseClockOffset(offset, since), speed, since };
}

/** As parseClockCourse reads it. */
export function formatClockCourse({ offsetMs, speed, since }: ClockCourse): string {
  const offset = formatClockOffset(offsetMs);
  return speed === 1 ? offset : `${offset},${speed},${since.toISOString()}`;
}

/** As parseClockOffset reads it, to the millisecond. */
export function formatClockOffset(offsetMs: number): string {
  return `${offsetMs < 0 ? '-' : '+'}${Math.abs(Math.round(offsetMs))}ms`;
}

/** Exchange's way of writing a time span: 1.02:03:04. */
export function formatTimeSpan(durationMs: number): string {
  const totalSeconds = Math.floor(durationMs / 1000);
  const days = Math.floor(totalSeconds / 86_400);
  const clock = [Math.floor(totalSeconds / 3600) % 24, Math.floor(totalSeconds / 60) % 60, totalSeconds % 60];
  return `${days > 0 ? `${days}.` : ''}${clock.map((part) => String(part).padStart(2, '0')).join(':')}`;
}
