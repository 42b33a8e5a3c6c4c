// When to try again, as Exchange does: a few quick tries (a glitch), some slower ones (transient), then for ever at the
// outbound interval until the message expires. Pure; durations are in the clock's time.

import type { MessageHead } from '../spool/spool.ts';

export interface RetrySettings {
  readonly glitchCount: number;
  readonly glitchInterval: number;
  readonly transientCount: number;
  readonly transientInterval: number;
  readonly outboundInterval: number;
  /** For a single message that a reachable hop deferred. */
  readonly messageInterval: number;
  /** How long a message may stay before it is returned. */
  readonly expiration: number;
  /** How long it may wait before its sender is told. */
  readonly delayNotification: number;
}

/** Milliseconds until the next attempt at a hop that could not be used `failures` times in a row (1 or more). */
export function queueRetryDelay(settings: RetrySettings, failures: number): number {
  if (failures <= settings.glitchCount) return settings.glitchInterval;
  if (failures <= settings.glitchCount + settings.transientCount) return settings.transientInterval;
  return settings.outboundInterval;
}

/** Milliseconds from now on, for a message that was just read from the spool. */
export interface Waits {
  readonly attemptMs: number;
  /** Until it is returned; 0 or less: its time is up. */
  readonly expiryMs: number;
  /** Until its sender is told of the delay; infinite when that has been done. */
  readonly noticeMs: number;
}

/**
 * The dates of the spool as durations, which no jump of the system's clock can change any more. A date that lies farther
 * ahead than it can was stored while the clock stood elsewhere: it counts as the longest wait there is.
 */
export function waitsOf(message: MessageHead, settings: RetrySettings, now: Date): Waits {
  const { attempts, envelope, nextAttemptAt, recipients } = message;
  const { glitchInterval, transientInterval, outboundInterval, delayNotification } = settings;
  const received = envelope.receivedAt.getTime();
  const left = (untilMs: number, atMostMs: number): number => Math.min(atMostMs, untilMs - now.getTime());
  const isNotified = recipients.every(({ status, delayNotified }) => status !== 'pending' || delayNotified);
  const expires = envelope.expiresAt.getTime();
  const longestMs = Math.max(glitchInterval, transientInterval, outboundInterval);
  return {
    // What was never tried has nothing to wait for, whatever its date says.
    attemptMs: attempts === 0 ? 0 : Math.max(0, left(nextAttemptAt.getTime(), longestMs)),
    expiryMs: left(expires, expires - received),
    noticeMs: isNotified ? Number.POSITIVE_INFINITY : left(received + delayNotification, delayNotification),
  };
}
