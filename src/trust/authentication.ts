// The third question of the pair: after TLS was settled, did the peer recognise us? 235 is yes; everything else is
// 451 5.7.3 and the message waits, never a bounce, so that a certificate replaced on either side costs time and no mail.

import type { Reason } from './reasons.ts';
import { defer, EVENT, type Mechanism, type Verdict } from './tls-policy.ts';

/** How the exchange ended on the sender's side. */
export type AuthenticationOutcome =
  | 'recognised'
  | 'refused'
  | 'not-offered'
  | 'server-unproven'
  | 'connection'
  | 'no-credential';

const REASON_OF: Record<Exclude<AuthenticationOutcome, 'recognised'>, Reason> = {
  refused: 'authentication-refused',
  'not-offered': 'authentication-not-offered',
  'server-unproven': 'server-unproven',
  connection: 'connection-failed',
  'no-credential': 'authentication-unavailable',
};

/** The verdict after authentication: the earlier one when the peer recognised us, else waiting. */
export function judgeAuthentication(verdict: Verdict, mechanism: Mechanism, outcome: AuthenticationOutcome): Verdict {
  if (outcome === 'recognised') return verdict;
  const events = outcome === 'connection' ? [] : [EVENT.sendAuthenticationFailed];
  return defer(REASON_OF[outcome], `authentication: ${mechanism}`, [...verdict.events, ...events]);
}
