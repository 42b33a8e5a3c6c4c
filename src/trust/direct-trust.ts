// Direct trust, the policy of the pair: being in the directory is the validation. A certificate on record but out of its
// dates is answered as ExpiredCertificate says (by default in plaintext), one that is not on record as UntrustedCertificate
// says (by default the message waits), and whoever answers in clear must still prove itself by SCRAM-SHA-256.
// RequireTLS turns every answer that is not TLS into waiting.

import { type Certificate, type Validity, validityAt } from '../tls/certificate.ts';
import { findOnRecord, hasValidOnRecord, isReissued } from '../tls/on-record.ts';
import type { TlsSession } from '../tls/tls-session.ts';
import { isDefinite } from './opportunistic.ts';
import type { Reason } from './reasons.ts';
import {
  CLOCK_TOLERANCE_MS,
  defer,
  EVENT,
  type Moment,
  type Outcome,
  proceedInClear,
  proceedInTls,
  type Requirement,
  reconnectInClear,
  type TlsPolicy,
  type TrustQuestion,
  type Verdict,
} from './tls-policy.ts';

const RULE = 'direct-trust';

export const directTrust: TlsPolicy = {
  name: 'direct-trust',
  answers: (question) => question.purpose === 'mail' && question.stance !== 'ignore' && question.peer !== undefined,
  require: requireDirectTrust,
  judge: (requirement, outcome, moment) => insistOnTls(requirement, judgeOutcome(requirement, outcome, moment)),
};

/** An own certificate out of its dates is known before dialling, and so is the answer to it. */
function requireDirectTrust(question: TrustQuestion, now: Date): Requirement {
  const base = { policy: 'direct-trust', question, authenticate: true } as const;
  const reason = ownFault(question.own, now);
  if (!reason || question.settings.expiredCertificate === 'KeepTls') return { ...base, startTls: 'attempt' };
  const isHeld = question.settings.expiredCertificate === 'Defer' || question.stance === 'require';
  return { ...base, startTls: isHeld ? 'hold' : 'never', reason };
}

function judgeOutcome(requirement: Requirement, outcome: Outcome, moment: Moment): Verdict {
  if (requirement.startTls === 'hold')
    return defer(requirement.reason, `${RULE}: ExpiredCertificate`, [EVENT.ownCertificateExpired]);
  if (requirement.startTls === 'never') {
    return proceedInClear(requirement.reason, `${RULE}: ExpiredCertificate`, 'SCRAM-SHA-256', [
      EVENT.ownCertificateExpired,
    ]);
  }
  if (outcome.kind === 'established') return judgeSession(requirement.question, outcome.session, moment.now);
  return judgeWithoutTls(requirement.question, outcome, moment);
}

function judgeSession(question: TrustQuestion, session: TlsSession, now: Date): Verdict {
  const { peer, settings } = question;
  const onRecord = peer && findOnRecord(peer, session.peerCertificate, now);
  if (!onRecord) {
    const isSameKey = peer !== undefined && isReissued(peer, session.peerCertificate, now);
    return judgeUntrusted(settings.untrustedCertificate, isSameKey ? 'same-key-reissued' : 'certificate-not-trusted');
  }
  // Of several on record the dates that count are those of the one that was shown.
  const fault = peerFault(onRecord.certificate, now);
  if (fault) return judgeOutOfDate(settings.expiredCertificate, fault);
  const own = ownFault(question.own, now);
  if (own)
    return proceedInTls('expired-tls-kept', `${RULE}: ExpiredCertificate`, 'EXTERNAL', [EVENT.ownCertificateExpired]);
  // Without a certificate of our own TLS proves only the peer; who we are is then told by password.
  return proceedInTls('direct-trust', RULE, question.own ? 'EXTERNAL' : 'SCRAM-SHA-256');
}

/** The same key proves who, but nothing vouches for the new names and dates: direct trust pins certificates, so it waits too. */
function judgeUntrusted(setting: 'Defer' | 'Encrypt', reason: Reason): Verdict {
  const rule = `${RULE}: UntrustedCertificate`;
  const events = [EVENT.sendDirectTrustFailed];
  return setting === 'Encrypt'
    ? proceedInTls('untrusted-encrypted', rule, 'SCRAM-SHA-256', events)
    : defer(reason, rule, events);
}

function judgeOutOfDate(setting: 'Plaintext' | 'KeepTls' | 'Defer', reason: Reason): Verdict {
  const rule = `${RULE}: ExpiredCertificate`;
  const events = [EVENT.remoteCertificateExpired];
  if (setting === 'KeepTls') return proceedInTls('expired-tls-kept', rule, 'EXTERNAL', events);
  return setting === 'Defer' ? defer(reason, rule, events) : reconnectInClear(reason, rule, events);
}

function judgeWithoutTls(
  question: TrustQuestion,
  outcome: Exclude<Outcome, { kind: 'established' }>,
  moment: Moment,
): Verdict {
  switch (outcome.kind) {
    case 'refused':
      return proceedInClear('starttls-refused', RULE, 'SCRAM-SHA-256');
    case 'failed':
      if (isDefinite(outcome)) return reconnectInClear('handshake-failed', RULE);
      return moment.hasWaited ? reconnectInClear('handshake-cut', RULE) : defer('handshake-cut', RULE);
    default:
      return judgeNotOffered(question, moment.now);
  }
}

/** A peer all of whose certificates on record are out of their dates withdraws STARTTLS: expected. From any other it is suspect. */
function judgeNotOffered({ peer, settings }: TrustQuestion, now: Date): Verdict {
  const isExpected = peer !== undefined && !hasValidOnRecord(peer, now, CLOCK_TOLERANCE_MS);
  const fault = isExpected ? peerFault(peer.certificate, now) : undefined;
  if (fault && settings.expiredCertificate !== 'KeepTls') {
    const rule = `${RULE}: ExpiredCertificate`;
    const events = [EVENT.remoteCertificateExpired];
    return settings.expiredCertificate === 'Defer'
      ? defer(fault, rule, events)
      : proceedInClear(fault, rule, 'SCRAM-SHA-256', events);
  }
  return proceedInClear('downgrade-suspected', RULE, 'SCRAM-SHA-256', [EVENT.downgradeSuspected]);
}

/** RequireTLS: whatever would have gone in clear waits instead, with its own reason kept. */
function insistOnTls(requirement: Requirement, verdict: Verdict): Verdict {
  const isInClear =
    verdict.action === 'reconnect-in-clear' || (verdict.action === 'proceed' && verdict.channel === 'plaintext');
  const isHeld = requirement.startTls === 'hold';
  if (requirement.question.stance !== 'require' || !(isInClear || isHeld)) return verdict;
  return defer(verdict.reason, `${RULE}: RequireTLS`, [...verdict.events, EVENT.tlsRequiredFailed]);
}

function peerFault(certificate: Certificate, now: Date): Reason | undefined {
  const names: Record<Validity, Reason | undefined> = {
    valid: undefined,
    expired: 'certificate-expired',
    'not-yet-valid': 'certificate-not-yet-valid',
  };
  return names[validityAt(certificate, now, CLOCK_TOLERANCE_MS)];
}

function ownFault(own: Certificate | undefined, now: Date): Reason | undefined {
  if (!own) return undefined;
  const names: Record<Validity, Reason | undefined> = {
    valid: undefined,
    expired: 'own-certificate-expired',
    'not-yet-valid': 'own-certificate-not-yet-valid',
  };
  return names[validityAt(own, now, CLOCK_TOLERANCE_MS)];
}
