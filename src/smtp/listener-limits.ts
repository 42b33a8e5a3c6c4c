// What one listener allows its clients: sizes, counts and times. Times are real time and hold for a whole command, handshake or
// message, so that octets trickling in one by one gain nothing (RFC 5321 §4.5.3).

export interface ListenerTimeouts {
  /** From our reply to the end of the next command line. RFC 5321 §4.5.3.2.7: at least 5 minutes. */
  readonly commandMs: number;
  /** From our 220 to the end of the TLS handshake. */
  readonly handshakeMs: number;
  /** Between two pieces of a body. */
  readonly bodyPauseMs: number;
  /** For a whole body, first octet to final dot, while our own side keeps up. */
  readonly messageMs: number;
  /** How long replies may lie unread before the client is cut off. */
  readonly replyMs: number;
  /** For the whole connection; undefined means no limit. */
  readonly connectionMs: number | undefined;
  /** How long `close` waits for open transactions. */
  readonly closeMs: number;
}

export interface ListenerLimits {
  readonly timeouts: ListenerTimeouts;
  /** Recipients of one transaction; RFC 5321 §4.5.3.1.8: at least 100. */
  readonly maxRecipients: number;
  /** MAIL commands of one session, whatever became of them (MAILMAX, RFC 9422 §4.1). */
  readonly maxMessages: number;
  /** Protocol errors of one session, after which it ends (forbearance.ts); a message that was taken sets the count back. */
  readonly maxErrors: number;
  /** Failed log-ins of one session, after which it ends. */
  readonly maxAuthFailures: number;
  /** Octets of a refused body that are still read, so that the client may hear why. */
  readonly discardLimitBytes: number;
}

/** Those limits that differ from what held before. */
export interface LimitChanges extends Partial<Omit<ListenerLimits, 'timeouts'>> {
  readonly timeouts?: Partial<ListenerTimeouts>;
}

const DEFAULT_TIMEOUTS: ListenerTimeouts = {
  commandMs: 300_000,
  handshakeMs: 60_000,
  bodyPauseMs: 180_000,
  messageMs: 600_000,
  replyMs: 60_000,
  connectionMs: undefined,
  closeMs: 10_000,
};

export const DEFAULT_LIMITS: ListenerLimits = {
  timeouts: DEFAULT_TIMEOUTS,
  maxRecipients: 200,
  maxMessages: Number.POSITIVE_INFINITY,
  maxErrors: 10,
  maxAuthFailures: 3,
  discardLimitBytes: 64 * 1024 * 1024,
};

/** The limits with changes over them. */
export function changeLimits(limits: ListenerLimits, changes: LimitChanges | undefined): ListenerLimits {
  return { ...limits, ...changes, timeouts: { ...limits.timeouts, ...changes?.timeouts } };
}
