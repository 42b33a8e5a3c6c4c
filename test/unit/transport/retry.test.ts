import { describe, expect, it } from 'vitest';
import { queueRetryDelay, waitsOf } from '../../../src/transport/retry.ts';
import { makeMessage } from '../../helpers/queue-fixtures.ts';
import { HOUR_MS, MINUTE_MS, RETRY } from './queue-bench.ts';

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

describe('waitsOf', () => {
  const received = new Date('2026-01-01T00:00:00Z');
  const after = (ms: number): Date => new Date(received.getTime() + ms);
  const message = makeMessage(1);
  const envelope = { ...message.envelope, receivedAt: received, expiresAt: after(48 * HOUR_MS) };
  const waiting = { ...message, envelope, attempts: 1, nextAttemptAt: after(10 * MINUTE_MS) };

  it.each([
    ['at once', 0, { attemptMs: 10 * MINUTE_MS, expiryMs: 48 * HOUR_MS, noticeMs: 4 * HOUR_MS }],
    ['after five hours', 5 * HOUR_MS, { attemptMs: 0, expiryMs: 43 * HOUR_MS, noticeMs: -HOUR_MS }],
    ['when its time is up', 48 * HOUR_MS, { attemptMs: 0, expiryMs: 0, noticeMs: -44 * HOUR_MS }],
    [
      'when the clock was set back to another year',
      -9000 * HOUR_MS,
      { attemptMs: RETRY.outboundInterval, expiryMs: 48 * HOUR_MS, noticeMs: 4 * HOUR_MS },
    ],
  ])('counts from now on, %s', (_, ms, expected) => {
    expect(waitsOf(waiting, RETRY, after(ms))).toEqual(expected);
  });

  it('does not let a fresh message wait, whatever its date says', () => {
    expect(waitsOf({ ...waiting, attempts: 0 }, RETRY, after(-HOUR_MS)).attemptMs).toBe(0);
  });

  it('asks for no second notice', () => {
    const [first, second] = message.recipients.map((recipient) => ({ ...recipient, delayNotified: true }));
    const waits = (recipients: typeof message.recipients): number =>
      waitsOf({ ...waiting, recipients }, RETRY, received).noticeMs;
    expect(waits([first, second].flatMap((each) => each ?? []))).toBe(Number.POSITIVE_INFINITY);
    expect(waits([...(first ? [first] : []), ...message.recipients.slice(1)])).toBe(4 * HOUR_MS);
  });
});
