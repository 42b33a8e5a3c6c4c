// The trust rules as a pure table: a row printed for every case, and what must hold in every combination there is.

import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/tls/certificate.ts';
import type { CertificateAside } from '../../src/tls/on-record.ts';
import type { TlsSession } from '../../src/tls/tls-session.ts';
import { judge, POLICIES, requirementFor, stanceOf } from '../../src/trust/policies.ts';
import { REASONS } from '../../src/trust/reasons.ts';
import type {
  Moment,
  Outcome,
  StartTlsStance,
  TrustQuestion,
  TrustSettings,
  Verdict,
} from '../../src/trust/tls-policy.ts';
import {
  type Dates,
  RENEWAL_CASES,
  type RenewalCase,
  TRUST_CASES,
  type TrustCase,
  type Wire,
} from '../helpers/trust-cases.ts';

const NOW = new Date('2026-06-01T00:00:00Z');
const DAY_MS = 86_400_000;

function certificate(name: string, dates: Dates = 'in-date', key = name): Certificate {
  const starts = { 'in-date': -10, expired: -400, 'not-yet-valid': 1 }[dates];
  const notBefore = new Date(NOW.getTime() + starts * DAY_MS);
  const notAfter = new Date(notBefore.getTime() + 365 * DAY_MS);
  return {
    der: Buffer.from(name),
    publicKeySha256: key,
    subject: '',
    domains: [name],
    notBefore,
    notAfter,
  } as unknown as Certificate;
}

function session(peerCertificate: Certificate | undefined): TlsSession {
  return {
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    servername: undefined,
    localCertificate: undefined,
    peerCertificate,
    peerChainTrusted: false,
    resumed: false,
  };
}

const STANCES: Record<NonNullable<TrustCase['switch']> | 'none', StartTlsStance> = {
  none: stanceOf({ ignoreStartTls: false, requireTls: false }),
  RequireTLS: stanceOf({ ignoreStartTls: false, requireTls: true }),
  IgnoreSTARTTLS: stanceOf({ ignoreStartTls: true, requireTls: false }),
};

function questionOf(row: RenewalCase): TrustQuestion {
  return {
    purpose: 'mail',
    stance: STANCES[row.switch ?? 'none'],
    peer: { fqdn: 'edge01.perimeter.test', certificate: certificate('edge', row.peer), others: othersOf(row) },
    own: certificate('hub', row.own),
    settings: {
      expiredCertificate: row.expiredCertificate ?? 'Plaintext',
      untrustedCertificate: row.untrustedCertificate ?? 'Defer',
    },
  };
}

function othersOf({ aside }: RenewalCase): CertificateAside[] {
  if (!aside) return [];
  const until = new Date(NOW.getTime() + (aside.isWithdrawn === true ? 0 : 1));
  const isPrevious = aside.part === 'previous';
  return [{ part: aside.part, certificate: certificate('aside', aside.dates), ...(isPrevious && { until }) }];
}

const OUTCOME_OF_WIRE: Record<Exclude<Wire, 'clean'>, Outcome> = {
  stripped: { kind: 'not-offered' },
  'refused-454': { kind: 'refused' },
  'refused-502': { kind: 'refused' },
  garbage: { kind: 'failed', cause: 'protocol' },
  alert: { kind: 'failed', cause: 'alert' },
  reset: { kind: 'failed', cause: 'reset' },
  silent: { kind: 'failed', cause: 'timeout' },
};

/** The peer of this world is honest: it withdraws STARTTLS when its own certificate is out of its dates and TLS is not kept. */
function outcomeOf(row: TrustCase & RenewalCase): Outcome {
  if (row.wire !== undefined && row.wire !== 'clean') return OUTCOME_OF_WIRE[row.wire];
  if (row.isReplaced === true) return { kind: 'established', session: session(certificate('another')) };
  const shown = {
    current: certificate('edge', row.peer),
    aside: certificate('aside', row.aside?.dates),
    reissued: certificate('another', 'in-date', 'edge'),
    'aside-reissued': certificate('another', 'in-date', 'aside'),
  };
  return { kind: 'established', session: session(shown[row.shown ?? 'current']) };
}

/** Follows verdicts as transport does: a reconnection in clear is taken at its word. */
function answerTo(row: TrustCase & RenewalCase): {
  result: Destiny;
  reason: string;
  rule: string;
  mechanism: string;
} {
  const requirement = requirementFor(questionOf(row), NOW);
  const moment: Moment = { now: NOW, hasWaited: row.hasWaited ?? false };
  const outcome: Outcome = requirement.startTls === 'attempt' ? outcomeOf(row) : { kind: 'not-attempted' };
  const verdict = judge(requirement, outcome, moment);
  const mechanism =
    verdict.action === 'proceed'
      ? (verdict.mechanism ?? 'none')
      : verdict.action === 'reconnect-in-clear'
        ? 'SCRAM-SHA-256'
        : '-';
  return { result: destinyOf(verdict), reason: verdict.reason, rule: verdict.rule, mechanism };
}

type Destiny = TrustCase['result'] | 'bounces';

function destinyOf(verdict: Verdict): Destiny {
  if (verdict.action === 'defer') return 'waits';
  if (verdict.action === 'refuse') return 'bounces';
  if (verdict.action === 'reconnect-in-clear') return 'plaintext';
  return verdict.channel;
}

describe('the trust rules of the pair', () => {
  it.each<TrustCase & RenewalCase>([...TRUST_CASES, ...RENEWAL_CASES])('$when: $result, $reason', (row) => {
    const answer = answerTo(row);
    console.log(
      `${row.when.padEnd(48)} ${answer.result.padEnd(9)} ${answer.reason.padEnd(30)} ${answer.mechanism.padEnd(14)} ${answer.rule}`,
    );
    expect(answer).toMatchObject({ result: row.result, reason: row.reason });
  });

  it('expects a peer out of its dates to withdraw STARTTLS, and does not call that a downgrade', () => {
    const requirement = requirementFor(
      questionOf({ when: '', peer: 'expired', result: 'plaintext', reason: 'certificate-expired' }),
      NOW,
    );
    const verdict = judge(requirement, { kind: 'not-offered' }, { now: NOW, hasWaited: false });
    expect(verdict).toMatchObject({
      action: 'proceed',
      channel: 'plaintext',
      mechanism: 'SCRAM-SHA-256',
      reason: 'certificate-expired',
    });
  });

  it('takes a certificate whose first day is four minutes away as valid, and six minutes away as not', () => {
    const peerFrom = (minutes: number): TrustQuestion => {
      const edge = { ...certificate('edge'), notBefore: new Date(NOW.getTime() + minutes * 60_000) };
      return {
        ...questionOf({ when: '', result: 'tls', reason: 'direct-trust' }),
        peer: { fqdn: 'e', certificate: edge },
      };
    };
    const reasonFor = (minutes: number): string => {
      const requirement = requirementFor(peerFrom(minutes), NOW);
      return judge(
        requirement,
        { kind: 'established', session: session(certificate('edge')) },
        { now: NOW, hasWaited: false },
      ).reason;
    };
    expect(reasonFor(4)).toBe('direct-trust');
    expect(reasonFor(6)).toBe('certificate-not-yet-valid');
  });
});

const ALL_OUTCOMES: readonly Outcome[] = [
  { kind: 'not-attempted' },
  { kind: 'not-offered' },
  { kind: 'refused' },
  ...(['alert', 'protocol', 'reset', 'closed', 'timeout'] as const).map(
    (cause) => ({ kind: 'failed', cause }) as const,
  ),
  { kind: 'established', session: session(certificate('edge')) },
  { kind: 'established', session: session(certificate('another')) },
  { kind: 'established', session: session(certificate('re-issued', 'in-date', 'edge')) },
  { kind: 'established', session: session(undefined) },
  { kind: 'established', session: session(certificate('edge')), offersRequireTls: true },
  {
    kind: 'established',
    session: { ...session(certificate('named')), peerChainTrusted: true },
    offersRequireTls: true,
  },
];
const DEMANDS = [undefined, 'tls-optional', 'requiretls', 'requiretls-report'] as const;

interface Combination {
  readonly question: TrustQuestion;
  readonly outcome: Outcome;
  readonly moment: Moment;
}

function* everyCombination(): Generator<Combination> {
  const dates: readonly Dates[] = ['in-date', 'expired', 'not-yet-valid'];
  const settings: TrustSettings[] = (['Plaintext', 'KeepTls', 'Defer'] as const).flatMap((expiredCertificate) =>
    (['Defer', 'Encrypt'] as const).map((untrustedCertificate) => ({ expiredCertificate, untrustedCertificate })),
  );
  const next = [{ part: 'next', certificate: certificate('aside') } as const];
  const peers = [
    undefined,
    ...dates.map((date) => ({ fqdn: 'edge01', certificate: certificate('edge', date) })),
    ...dates.map((date) => ({ fqdn: 'edge01', certificate: certificate('edge', date), others: next })),
  ];
  const owns = [undefined, ...dates.map((date) => certificate('hub', date))];
  for (const purpose of ['mail', 'edgesync'] as const)
    for (const stance of ['ignore', 'opportunistic', 'require', 'domain-secure'] as const)
      for (const demand of DEMANDS)
        for (const peer of peers)
          for (const own of owns)
            for (const setting of settings)
              for (const outcome of ALL_OUTCOMES)
                for (const hasWaited of [false, true])
                  yield {
                    question: { purpose, stance, demand, names: ['named'], peer, own, settings: setting },
                    outcome,
                    moment: { now: NOW, hasWaited },
                  };
}

/** Only outcomes that the requirement can lead to. */
function isReachable({ question, outcome }: Combination): boolean {
  return (requirementFor(question, NOW).startTls === 'attempt') !== (outcome.kind === 'not-attempted');
}

describe('in every combination of outcome, policy and switch', () => {
  const judged = [...everyCombination()].filter(isReachable).map((combination) => ({
    ...combination,
    verdict: judge(requirementFor(combination.question, NOW), combination.outcome, combination.moment),
  }));
  const isInClear = ({ verdict }: { verdict: Verdict }): boolean => destinyOf(verdict) === 'plaintext';

  it('covers thousands of combinations and every policy of the ladder', () => {
    expect(judged.length).toBeGreaterThan(5000);
    expect(new Set(judged.map(({ question }) => requirementFor(question, NOW).policy))).toEqual(
      new Set(POLICIES.map(({ name }) => name)),
    );
  });

  it('gives a reason of the closed list', () => {
    expect(judged.filter(({ verdict }) => !(verdict.reason in REASONS))).toEqual([]);
  });

  it('never answers RequireTLS with plaintext', () => {
    expect(judged.filter((it) => it.question.stance === 'require' && isInClear(it))).toEqual([]);
  });

  it('lets mail under domain security go to a stranger only whose certificate is verified, and never refuses it', () => {
    const secured = judged.filter(
      ({ question: { purpose, stance, peer, demand } }) =>
        purpose === 'mail' &&
        stance === 'domain-secure' &&
        !peer &&
        (demand === undefined || demand === 'tls-optional'),
    );
    expect(new Set(secured.map(({ verdict }) => verdict.action))).toEqual(new Set(['proceed', 'defer']));
    const gone = secured.filter(({ verdict }) => verdict.action === 'proceed');
    expect(new Set(gone.map(({ verdict }) => verdict.reason))).toEqual(new Set(['tls-verified']));
  });

  it('never puts EdgeSync in clear', () => {
    expect(judged.filter((it) => it.question.purpose === 'edgesync' && isInClear(it))).toEqual([]);
  });

  it('never answers an unknown key of a peer with plaintext', () => {
    const unknown = judged.filter(
      ({ outcome, question }) =>
        outcome.kind === 'established' && question.peer && outcome.session.peerCertificate?.der.toString() !== 'edge',
    );
    expect(unknown.length).toBeGreaterThan(500);
    expect(unknown.filter((it) => it.question.stance !== 'ignore' && isInClear(it))).toEqual([]);
  });

  it('lets no mail go to a peer in clear without SCRAM, and never sends EXTERNAL without TLS', () => {
    const towardsPeers = judged.filter(
      ({ question, verdict }) => question.purpose === 'mail' && question.peer && verdict.action === 'proceed',
    );
    expect(
      towardsPeers.filter(({ verdict }) => verdict.action === 'proceed' && verdict.mechanism === undefined),
    ).toEqual([]);
    const external = judged.filter(({ verdict }) => verdict.action === 'proceed' && verdict.mechanism === 'EXTERNAL');
    expect(external.filter((it) => isInClear(it))).toEqual([]);
  });

  it('never offers TLS as the verdict when there was none', () => {
    const claimed = judged.filter(
      ({ verdict, outcome }) => destinyOf(verdict) === 'tls' && outcome.kind !== 'established',
    );
    expect(claimed).toEqual([]);
  });

  it('believes a cut connection only once the message has waited', () => {
    const cut = judged.filter(
      ({ outcome, moment, question }) =>
        outcome.kind === 'failed' &&
        !['alert', 'protocol'].includes(outcome.cause) &&
        !moment.hasWaited &&
        question.demand !== 'tls-optional',
    );
    expect(cut.length).toBeGreaterThan(100);
    expect(cut.filter(isInClear)).toEqual([]);
  });

  const ofMail = judged.filter(({ question }) => question.purpose === 'mail');
  const ofDemand = (demand: (typeof DEMANDS)[number]) => ofMail.filter(({ question }) => question.demand === demand);

  it('never lets mail with REQUIRETLS, or a report on it, go in clear', () => {
    const demanded = [...ofDemand('requiretls'), ...ofDemand('requiretls-report')];
    expect(demanded.length).toBeGreaterThan(5000);
    expect(demanded.filter(isInClear)).toEqual([]);
  });

  it('lets mail with REQUIRETLS go only to who offers it and is pinned or verified', () => {
    const gone = ofDemand('requiretls').filter(({ verdict }) => verdict.action === 'proceed');
    expect(new Set(gone.map(({ verdict }) => verdict.reason))).toEqual(
      new Set(['direct-trust', 'expired-tls-kept', 'tls-verified']),
    );
    expect(gone.filter(({ outcome }) => outcome.kind !== 'established' || outcome.offersRequireTls !== true)).toEqual(
      [],
    );
  });

  it('refuses for good nothing but mail with REQUIRETLS', () => {
    const refused = judged.filter(({ verdict }) => verdict.action === 'refuse');
    expect(refused.length).toBeGreaterThan(1000);
    expect(new Set(refused.map(({ question }) => question.demand))).toEqual(new Set(['requiretls']));
  });

  it('takes TLS-Required: No for no leave to go against an administrator, or the pair', () => {
    const changed = ofDemand('tls-optional').filter(({ question, outcome, moment, verdict }) => {
      const requirement = requirementFor({ ...question, demand: undefined }, NOW);
      return destinyOf(judge(requirement, outcome, moment)) !== destinyOf(verdict);
    });
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.filter(({ question }) => question.stance !== 'opportunistic' || question.peer)).toEqual([]);
  });
});
