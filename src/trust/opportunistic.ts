// Opportunistic TLS towards a stranger (RFC 7435): offered means used, any certificate will do, and without TLS the mail
// goes in clear with the reason on record. A cut connection is weak evidence and is believed only once the message waited,
// or at once where the sender said that TLS does not matter (TLS-Required: No, RFC 8689 §4.2.2).

import type { Reason } from './reasons.ts';
import { defer, type Outcome, proceedInClear, proceedInTls, reconnectInClear, type TlsPolicy } from './tls-policy.ts';

export const opportunistic: TlsPolicy = {
  name: 'opportunistic',
  answers: (question) =>
    question.purpose === 'mail' && question.stance === 'opportunistic' && question.peer === undefined,
  require: (question) => ({ policy: 'opportunistic', question, authenticate: false, startTls: 'attempt' }),
  judge: ({ question }, outcome, { hasWaited }) => {
    if (outcome.kind === 'established') return proceedInTls('tls-opportunistic', 'opportunistic');
    const reason = reasonWithoutTls(outcome);
    if (outcome.kind !== 'failed') return proceedInClear(reason, 'opportunistic');
    return isDefinite(outcome) || hasWaited || question.demand === 'tls-optional'
      ? reconnectInClear(reason, 'opportunistic')
      : defer(reason, 'opportunistic');
  },
};

/** The reason's name when TLS did not come about and nothing more is known of the peer. */
export function reasonWithoutTls(outcome: Exclude<Outcome, { kind: 'established' }>): Reason {
  if (outcome.kind === 'refused') return 'starttls-refused';
  if (outcome.kind === 'failed') return isDefinite(outcome) ? 'handshake-failed' : 'handshake-cut';
  return 'starttls-not-supported';
}

/** An alert or nonsense is the peer's own statement; a reset, a close or silence may be anybody's on the path. */
export function isDefinite(outcome: Extract<Outcome, { kind: 'failed' }>): boolean {
  return outcome.cause === 'alert' || outcome.cause === 'protocol';
}
