import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatClockCourse,
  formatTimeSpan,
  parseClockCourse,
  parseClockOffset,
  parseDuration,
} from '../../src/duration.ts';

const DAY_MS = 86_400_000;

describe('parseDuration', () => {
  it.each([
    ['2s', 2000],
    ['300ms', 300],
    ['1h30m', 5_400_000],
    [' 15m ', 900_000],
    ['1.5h', 5_400_000],
    ['400d', 400 * DAY_MS],
    ['0s', 0],
    ['00:01:02', 62_000],
    ['1.02:03:04', DAY_MS + 7_384_000],
    ['23:59:59', DAY_MS - 1000],
  ])('reads %s', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each([
    '',
    '2',
    's',
    '2 s',
    '-2s',
    '+2s',
    '2S',
    '1,5h',
    '2s later',
    '25:00:00',
    '00:60:00',
    '00:00:60',
    '1.2',
    'NaNs',
    '1e3s',
  ])('refuses "%s" with a sentence that shows how to write it', (text) => {
    expect(() => parseDuration(text)).toThrow(
      expect.objectContaining({ code: 'bad-duration', message: expect.stringContaining('write it as 2s, 15m') }),
    );
  });

  it.each(['36526d', '99999999.00:00:00', `${'9'.repeat(400)}s`])('refuses more than a hundred years: %s', (text) => {
    expect(() => parseDuration(text)).toThrow('longer than a hundred years');
  });

  it('reads back whatever formatTimeSpan writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 36_000 * 86_400 }), (seconds) => {
        expect(parseDuration(formatTimeSpan(seconds * 1000))).toBe(seconds * 1000);
      }),
    );
  });
});

describe('parseClockOffset', () => {
  const realNow = new Date('2026-01-01T00:00:00Z');

  it.each([
    ['+400d', 400 * DAY_MS],
    ['-2h', -7_200_000],
    ['+1.00:00:00', DAY_MS],
    ['2026-01-02T00:00:00Z', DAY_MS],
    ['2025-12-31', -DAY_MS],
    ['2026-01-01T02:00:00+02:00', 0],
  ])('reads %s', (text, expected) => {
    expect(parseClockOffset(text, realNow)).toBe(expected);
  });

  it.each(['tomorrow', '5', '2026', '2026-13-01', '1/2/2026', '400d', ''])('refuses "%s"', (text) => {
    expect(() => parseClockOffset(text, realNow)).toThrow(expect.objectContaining({ code: 'bad-clock' }));
  });

  it('refuses a sign before something that is no duration', () => {
    expect(() => parseClockOffset('+tomorrow', realNow)).toThrow(expect.objectContaining({ code: 'bad-duration' }));
  });
});

describe('a course of the clock', () => {
  const realNow = new Date('2026-01-01T00:00:00Z');
  const since = new Date('2025-12-31T23:00:00Z');

  it.each([
    ['+400d', { offsetMs: 400 * DAY_MS, speed: 1, since: realNow }],
    ['-2h,0', { offsetMs: -7_200_000, speed: 0, since: realNow }],
    ['+0d,3600,2025-12-31T23:00:00Z', { offsetMs: 0, speed: 3600, since }],
  ])('is read from %s', (text, expected) => {
    expect(parseClockCourse(text, realNow)).toEqual(expected);
  });

  it.each([
    '+1d,',
    '+1d,fast',
    '+1d,1.5',
    '+1d,-1',
    '+1d,100001',
    '+1d,2,tomorrow',
    '+1d,2,2026-01-02',
    '+1d,1,2025-01-01,x',
  ])('is not read from %s', (text) => {
    expect(() => parseClockCourse(text, realNow)).toThrow(expect.objectContaining({ code: 'bad-clock' }));
  });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), fc.integer({ min: 0, max: 100_000 }), (offsetMs, speed) => {
        const course = { offsetMs, speed, since: speed === 1 ? realNow : since };
        expect(parseClockCourse(formatClockCourse(course), realNow)).toEqual(course);
      }),
    );
  });
});

describe('formatTimeSpan', () => {
  it.each([
    [0, '00:00:00'],
    [62_000, '00:01:02'],
    [DAY_MS + 7_384_999, '1.02:03:04'],
    [400 * DAY_MS, '400.00:00:00'],
  ])('writes %i ms as Exchange does', (durationMs, expected) => {
    expect(formatTimeSpan(durationMs)).toBe(expected);
  });
});
