// Opportunistic TLS towards a stranger (RFC 7435): offered means used, any certificate will do, and without TLS the mail
// goes in clear with the reason on record. A cut connection is weak evidence and is believed only once the message waited.

import type { Reason } from './reasons.ts';
import { defer, type Outcome, proceedInClear, proceedInTls, reconnectInClear, type TlsPolicy } from './tls-policy.ts';

export const opportunistic: TlsPolicy = {
  name: 'opportunistic',
  answers: (question) =>
    question.purpose === 'mail' && question.stance === 'opportunistic' && question.peer === undefined,
  require: (question) => ({ policy: 'opportunistic', question, authenticate: false, startTls: 'attempt' }),
  judge: (_requirement, outcome, { hasWaited }) => {
    if (outcome.kind === 'established') return proceedInTls('tls-opportunistic', 'opportunistic');
    const reason = reasonWithoutTls(outcome);
    if (outcome.kind !== 'failed') return proceedInClear(reason, 'opportunistic');
    return isDefinite(outcome) || hasWaited
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
