// From counters that only rise to rates a second. Pure.

import type { ApiRecord } from './api.ts';
import { number } from './fields.ts';

/** The counters at a moment, and what they rose by in a second since the moment before. */
export interface LoadSample {
  /** Milliseconds of this machine's clock. */
  readonly at: number;
  readonly received: number;
  readonly sent: number;
  readonly receivedRate: number;
  readonly sentRate: number;
}

/**
 * Counters are looked at once a second, so that those that come closer together were held up on the way; and sent when they changed, so
 * that long silence is many seconds without any.
 */
const USUAL_MS = 1000;
const SILENCE_MS = 3000;

/** The sample of `load`; after a silence one before it that says so, else a rate would be spread over the silence. */
export function addSample(before: LoadSample | undefined, load: ApiRecord, at: number): readonly LoadSample[] {
  const counts = {
    received: number(load, 'Received'),
    sent: number(load, 'Sent'),
  };
  // A server that was started again counts from zero.
  if (before === undefined || counts.received < before.received)
    return [{ at, ...counts, receivedRate: 0, sentRate: 0 }];
  const isSilence = at - before.at > SILENCE_MS;
  const seconds = (isSilence ? USUAL_MS : Math.max(at - before.at, USUAL_MS)) / 1000;
  const rate = (now: number, then: number): number => Math.max(0, now - then) / seconds;
  const sample = {
    at,
    ...counts,
    receivedRate: rate(counts.received, before.received),
    sentRate: rate(counts.sent, before.sent),
  };
  return isSilence ? [quiet(before, before.at + USUAL_MS), quiet(before, at - USUAL_MS), sample] : [sample];
}

/** `samples` and what a silence since the last of them says. */
export function untilNow(samples: readonly LoadSample[], now: number): readonly LoadSample[] {
  const last = samples.at(-1);
  if (last === undefined || now - last.at <= SILENCE_MS) return samples;
  return [...samples, quiet(last, last.at + USUAL_MS), quiet(last, now)];
}

function quiet(before: LoadSample, at: number): LoadSample {
  return { ...before, at, receivedRate: 0, sentRate: 0 };
}
