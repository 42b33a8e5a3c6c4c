// When to try again, as Exchange does: a few quick tries (a glitch), some slower ones (transient), then for ever at the
// outbound interval until the message expires. Pure; durations are in the clock's time.

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
}

/** Milliseconds until the next attempt at a hop that could not be used `failures` times in a row (1 or more). */
export function queueRetryDelay(settings: RetrySettings, failures: number): number {
  if (failures <= settings.glitchCount) return settings.glitchInterval;
  if (failures <= settings.glitchCount + settings.transientCount) return settings.transientInterval;
  return settings.outboundInterval;
}

/** Whether a message that arrived at `receivedAt` has run out of time. */
export function isExpired(expiresAt: Date, now: Date): boolean {
  return now.getTime() >= expiresAt.getTime();
}
