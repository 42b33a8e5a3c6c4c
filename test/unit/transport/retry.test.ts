import { describe, expect, it } from 'vitest';
import { isExpired, queueRetryDelay } from '../../../src/transport/retry.ts';
import { MINUTE_MS, RETRY } from './queue-bench.ts';

describe('queueRetryDelay', () => {
  it.each([
    [1, 1],
    [2, 1],
    [3, 5],
    [4, 5],
    [5, 30],
    [100, 30],
  ])('after %i failures in a row waits %i minutes', (failures, minutes) => {
    expect(queueRetryDelay(RETRY, failures)).toBe(minutes * MINUTE_MS);
  });

  it('leaves out a stage that has no tries', () => {
    expect(queueRetryDelay({ ...RETRY, glitchCount: 0 }, 1)).toBe(RETRY.transientInterval);
    expect(queueRetryDelay({ ...RETRY, glitchCount: 0, transientCount: 0 }, 1)).toBe(RETRY.outboundInterval);
  });
});

describe('isExpired', () => {
  it.each([
    [-1, false],
    [0, true],
    [1, true],
  ])('%i ms after the time: %s', (byMs, expected) => {
    const expiresAt = new Date('2026-01-03T00:00:00Z');
    expect(isExpired(expiresAt, new Date(expiresAt.getTime() + byMs))).toBe(expected);
  });
});
