// What the rules of trust say about a row and a column, before anything is tried: trust's own two questions, asked about certificates
// that are as far there as the rules look at them. test/contract/tls-policy.test.ts holds the rules to a table written by hand.

import type { Certificate, Validity } from '../tls/certificate.ts';
import { judgeAuthentication } from '../trust/authentication.ts';
import { judge, requirementFor } from '../trust/policies.ts';
import type { Outcome as TlsOutcome, TrustQuestion, Verdict } from '../trust/tls-policy.ts';
import type { Finding } from './matrix.ts';
import type { PairPolicy } from './pair-policies.ts';
import { seenAbove, type WireEvent } from './wire-events.ts';

export interface Situation {
  readonly policy: Omit<PairPolicy, 'id' | 'title'>;
  /** The certificate that the sender has on record for the receiver; undefined for a stranger. */
  readonly onRecord: Validity | undefined;
  readonly own: Validity;
  readonly wire: Pick<WireEvent, 'seenAs' | 'hasWaited' | 'highestFloor'>;
  /** The receiver has another certificate on record for the sender. */
  readonly isSenderStale?: boolean;
}

export const NOW = new Date('2026-01-01T00:00:00Z');
const DAY_MS = 86_400_000;
const START_DAYS: Readonly<Record<Validity, number>> = { valid: -10, expired: -400, 'not-yet-valid': 2 };

/** The finding that the rules promise. */
export function promise(situation: Situation): Finding {
  const { policy, onRecord, own, wire } = situation;
  const { stance, settings, isTlsDemanded } = policy;
  const question: TrustQuestion = {
    purpose: 'mail',
    stance,
    demand: isTlsDemanded === true ? 'requiretls' : undefined,
    peer: onRecord && { fqdn: 'receiver.test', certificate: provenCertificate('receiver', onRecord) },
    own: provenCertificate('sender', own),
    settings,
  };
  const requirement = requirementFor(question, NOW);
  const outcome = requirement.startTls === 'attempt' ? provenOutcome(situation) : ({ kind: 'not-attempted' } as const);
  const verdict = judge(requirement, outcome, { now: NOW, hasWaited: wire.hasWaited ?? false });
  return findingOf(authenticated(verdict, situation));
}

/** What the handshake comes to; an honest server withdraws its offer as its setting says. */
export function provenOutcome({ onRecord = 'valid', policy, wire }: Situation): TlsOutcome {
  const { settings, floor = 'Tls12', isAnonymousTls = false } = policy;
  const seenAs = seenAbove(floor, wire);
  const isWithdrawn = onRecord !== 'valid' && settings.expiredCertificate === 'Plaintext' && !isAnonymousTls;
  // Who does not meet the verb of the pair takes the standard's, which nobody strips then.
  if (isVerbStripped({ policy, wire })) return established(provenCertificate('receiver', onRecord));
  if (seenAs.kind !== 'established') return seenAs;
  // An honest server with a certificate out of its dates offers no STARTTLS, unless it is told to.
  if (isWithdrawn && seenAs.shown === 'current') return { kind: 'not-offered' };
  return established(
    seenAs.shown === 'current' ? provenCertificate('receiver', onRecord) : provenCertificate('unknown', 'valid'),
  );
}

function isVerbStripped({ policy, wire }: Pick<Situation, 'policy' | 'wire'>): boolean {
  return policy.isAnonymousTls === true && wire.seenAs.kind === 'not-offered';
}

function established(peerCertificate: Certificate): TlsOutcome {
  return {
    kind: 'established',
    offersRequireTls: true,
    session: {
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_256_GCM_SHA384',
      servername: undefined,
      localCertificate: undefined,
      peerCertificate,
      peerChainTrusted: false,
      resumed: false,
    },
  };
}

/** A receiver that does not know the certificate does not know the sender; the password is another matter. */
function authenticated(verdict: Verdict, { isSenderStale = false, policy, wire }: Situation): Verdict {
  const isByCertificate = verdict.action === 'proceed' && verdict.mechanism === 'EXTERNAL';
  // The standard's verb asks for no certificate where the pair has one of its own.
  if (isByCertificate && isVerbStripped({ policy, wire }))
    return judgeAuthentication(verdict, 'EXTERNAL', 'not-offered');
  return isSenderStale && isByCertificate ? judgeAuthentication(verdict, 'EXTERNAL', 'refused') : verdict;
}

function findingOf(verdict: Verdict): Finding {
  const { reason } = verdict;
  if (verdict.action === 'defer') return { outcome: 'waits', reason };
  if (verdict.action === 'refuse') return { outcome: 'bounced', reason };
  if (verdict.action === 'reconnect-in-clear') return { outcome: 'clear', reason };
  return { outcome: verdict.channel === 'tls' ? 'tls' : 'clear', reason };
}

/** As far there as the rules look at one. */
export function provenCertificate(name: string, validity: Validity): Certificate {
  const notBefore = new Date(NOW.getTime() + START_DAYS[validity] * DAY_MS);
  const notAfter = new Date(notBefore.getTime() + 365 * DAY_MS);
  return { der: Buffer.from(name), publicKeySha256: name, notBefore, notAfter } as Certificate;
}
