// REQUIRETLS (RFC 8689): the sender of this message would rather have it back than have it go without verified TLS, over all
// hops. It stands above every switch of a connector, and is the one mail that never goes in clear. On the pair the pin is
// the verification. From a stranger it takes a chain to a trusted authority and a name: the exchangers in MX records are
// nobody's word without DNSSEC or MTA-STS (§4.2.1), so the certificate must name the recipient's domain, or something below it.
//
// What trust alone will not mend refuses the message; what may pass (a cut connection, 454, a certificate of the pair that is
// to be put on record) lets it wait. The report on such a message (§5) needs TLS, no verification, and is never refused.

import { directTrust } from './direct-trust.ts';
import { isDefinite, reasonWithoutTls } from './opportunistic.ts';
import {
  defer,
  EVENT,
  type Moment,
  type Outcome,
  proceedInTls,
  refuse,
  type Requirement,
  type TlsPolicy,
  type TrustQuestion,
  type Verdict,
} from './tls-policy.ts';
import { verificationFault } from './verification.ts';

const RULE = 'sender-requires-tls';
const PAIR_RULE = `${RULE}: direct-trust`;

export const senderRequiresTls: TlsPolicy = {
  name: RULE,
  answers: ({ purpose, demand }) => purpose === 'mail' && (demand === 'requiretls' || demand === 'requiretls-report'),
  require: requireTlsForSender,
  judge: (requirement, outcome, moment) => spareReport(requirement, judgeOutcome(requirement, outcome, moment)),
};

function requireTlsForSender(question: TrustQuestion, now: Date): Requirement {
  const base = { policy: RULE, question, authenticate: question.peer !== undefined } as const;
  if (question.stance === 'ignore') return { ...base, startTls: 'hold', reason: 'starttls-ignored' };
  if (!question.peer) return { ...base, startTls: 'attempt' };
  return { ...directTrust.require(insisting(question), now), policy: RULE, question };
}

function judgeOutcome(requirement: Requirement, outcome: Outcome, moment: Moment): Verdict {
  const { question } = requirement;
  if (requirement.startTls === 'hold' && requirement.reason === 'starttls-ignored')
    return refuse('starttls-ignored', `${RULE}: IgnoreSTARTTLS`, '5.7.10');
  const verdict = question.peer
    ? judgePeer(requirement, outcome, moment)
    : judgeStranger(question, outcome, moment.now);
  if (verdict.action !== 'proceed' || question.demand === 'requiretls-report') return verdict;
  if (outcome.kind === 'established' && outcome.offersRequireTls === true) return verdict;
  return refuse('requiretls-not-offered', RULE, '5.7.30', verdict.events);
}

/** Direct trust with RequireTLS; an expired certificate, which nothing but a new one mends, refuses where it would go in clear. */
function judgePeer(requirement: Requirement, outcome: Outcome, moment: Moment): Verdict {
  const question = insisting(requirement.question);
  const verdict = directTrust.judge({ ...requirement, policy: 'direct-trust', question }, outcome, moment);
  const { reason } = verdict;
  // It is not the connector that requires TLS here.
  const events = verdict.events.filter((event) => event !== EVENT.tlsRequiredFailed);
  // With UntrustedCertificate = Encrypt only a password proves the peer, and that holds against nobody on the path.
  if (reason === 'untrusted-encrypted' && question.demand === 'requiretls')
    return defer('certificate-not-trusted', PAIR_RULE, events);
  const isExpired = reason === 'certificate-expired' || reason === 'own-certificate-expired';
  if (verdict.action === 'defer' && isExpired && question.settings.expiredCertificate === 'Plaintext')
    return refuse(reason, `${PAIR_RULE}: ExpiredCertificate`, '5.7.10', events);
  return { ...verdict, rule: PAIR_RULE, events };
}

function judgeStranger({ demand, names = [] }: TrustQuestion, outcome: Outcome, now: Date): Verdict {
  if (outcome.kind === 'established') {
    if (demand === 'requiretls-report') return proceedInTls('tls-opportunistic', RULE);
    const fault = verificationFault(outcome.session, names, now);
    return fault ? refuse(fault, RULE, '5.7.10') : proceedInTls('tls-verified', RULE);
  }
  const reason = reasonWithoutTls(outcome);
  return mayPass(outcome) ? defer(reason, RULE) : refuse(reason, RULE, '5.7.10');
}

/** RFC 3207 §4.1 has 454 for what is not available now; a cut connection is weak evidence. */
function mayPass(outcome: Exclude<Outcome, { kind: 'established' }>): boolean {
  if (outcome.kind === 'refused') return outcome.reply !== undefined && outcome.reply.code < 500;
  return outcome.kind === 'failed' && !isDefinite(outcome);
}

/** A bounce has nowhere to bounce to: RFC 8689 §5 would not have it dropped. */
function spareReport({ question }: Requirement, verdict: Verdict): Verdict {
  if (verdict.action !== 'refuse' || question.demand !== 'requiretls-report') return verdict;
  return defer(verdict.reason, verdict.rule, verdict.events);
}

function insisting(question: TrustQuestion): TrustQuestion {
  return { ...question, stance: 'require' };
}
