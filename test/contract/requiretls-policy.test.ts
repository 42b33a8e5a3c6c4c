// REQUIRETLS (RFC 8689) as a table, written from docs/trust.md: who may have such a message, and what becomes of it otherwise.

import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../src/tls/certificate.ts';
import type { TlsSession } from '../../src/tls/tls-session.ts';
import { judge, requirementFor } from '../../src/trust/policies.ts';
import type { Outcome, TrustQuestion, TrustSettings, Verdict } from '../../src/trust/tls-policy.ts';

const NOW = new Date('2026-06-01T00:00:00Z');
const DAY_MS = 86_400_000;
const SETTINGS: TrustSettings = { expiredCertificate: 'Plaintext', untrustedCertificate: 'Defer' };

function certificate(names: readonly string[], daysLeft = 100): Certificate {
  return {
    der: Buffer.from(names.join()),
    publicKeySha256: names.join(),
    subject: 'CN=x',
    domains: names,
    notBefore: new Date(NOW.getTime() - 200 * DAY_MS),
    notAfter: new Date(NOW.getTime() + daysLeft * DAY_MS),
  } as unknown as Certificate;
}

function tls(peerCertificate: Certificate | undefined, peerChainTrusted = true, offersRequireTls = true): Outcome {
  const session = { peerCertificate, peerChainTrusted } as unknown as TlsSession;
  return { kind: 'established', session, offersRequireTls };
}

/** In one word and the reason, as a person would say it. */
function answer(given: Partial<TrustQuestion>, outcome: Outcome): string {
  const question: TrustQuestion = {
    purpose: 'mail',
    stance: 'opportunistic',
    demand: 'requiretls',
    names: ['example.com'],
    peer: undefined,
    own: undefined,
    settings: SETTINGS,
    ...given,
  };
  const requirement = requirementFor(question, NOW);
  const seen: Outcome = requirement.startTls === 'attempt' ? outcome : { kind: 'not-attempted' };
  const verdict = judge(requirement, seen, { now: NOW, hasWaited: true });
  return `${destiny(verdict)} ${verdict.reason}`;
}

function destiny(verdict: Verdict): string {
  if (verdict.action === 'refuse') return verdict.status;
  if (verdict.action === 'defer') return 'waits';
  return verdict.action === 'proceed' ? verdict.channel : 'plaintext';
}

describe('REQUIRETLS towards a stranger', () => {
  it.each<[string, Outcome, string]>([
    ['its certificate names the domain', tls(certificate(['example.com'])), 'tls tls-verified'],
    ['it names a host below the domain', tls(certificate(['MX1.Example.com'])), 'tls tls-verified'],
    ['it has a wildcard below the domain', tls(certificate(['*.example.com'])), 'tls tls-verified'],
    ['it names a host that MX alone knows', tls(certificate(['mx.hoster.test'])), '5.7.10 certificate-host-mismatch'],
    ['it names a domain that ends alike', tls(certificate(['badexample.com'])), '5.7.10 certificate-host-mismatch'],
    ['nobody vouches for it', tls(certificate(['example.com']), false), '5.7.10 certificate-unverified'],
    ['it has expired', tls(certificate(['example.com'], -1)), '5.7.10 certificate-unverified'],
    ['it shows none', tls(undefined), '5.7.10 certificate-unverified'],
    ['it has no REQUIRETLS', tls(certificate(['example.com']), true, false), '5.7.30 requiretls-not-offered'],
    ['it has no STARTTLS', { kind: 'not-offered' }, '5.7.10 starttls-not-supported'],
    ['it refuses STARTTLS for good', { kind: 'refused', reply: { code: 502 } }, '5.7.10 starttls-refused'],
    ['it refuses STARTTLS for now', { kind: 'refused', reply: { code: 454 } }, 'waits starttls-refused'],
    ['the handshake ends by an alert', { kind: 'failed', cause: 'alert' }, '5.7.10 handshake-failed'],
    ['the handshake is cut', { kind: 'failed', cause: 'reset' }, 'waits handshake-cut'],
  ])('%s: %3$s', (_, outcome, expected) => {
    expect(answer({}, outcome)).toBe(expected);
  });

  it('is not what IgnoreSTARTTLS gives up', () => {
    expect(answer({ stance: 'ignore' }, { kind: 'not-attempted' })).toBe('5.7.10 starttls-ignored');
  });

  it('verifies the host that an administrator named, and no bare address', () => {
    expect(answer({ names: ['relay.isp.test'] }, tls(certificate(['relay.isp.test'])))).toBe('tls tls-verified');
    expect(answer({ names: ['192.0.2.1'] }, tls(certificate(['192.0.2.1'])))).toBe('5.7.10 certificate-host-mismatch');
  });
});

describe('REQUIRETLS on the pair', () => {
  const good = certificate(['edge01.test']);
  const expired = certificate(['edge01.test'], -1);
  const peer = (held: Certificate) => ({ fqdn: 'edge01.test', certificate: held });
  const own = certificate(['hub01.test']);

  it.each<[string, Partial<TrustQuestion>, Outcome, string]>([
    ['the pin holds, no authority needed', { peer: peer(good), own }, tls(good, false), 'tls direct-trust'],
    ['the peer is too old for it', { peer: peer(good), own }, tls(good, false, false), '5.7.30 requiretls-not-offered'],
    ['a certificate that is not on record', { peer: peer(good), own }, tls(own, true), 'waits certificate-not-trusted'],
    [
      'the same with Encrypt',
      { peer: peer(good), own, settings: { ...SETTINGS, untrustedCertificate: 'Encrypt' } },
      tls(own, true),
      'waits certificate-not-trusted',
    ],
    ['expired, shown', { peer: peer(expired), own }, tls(expired), '5.7.10 certificate-expired'],
    [
      'expired, STARTTLS withdrawn',
      { peer: peer(expired), own },
      { kind: 'not-offered' },
      '5.7.10 certificate-expired',
    ],
    [
      'its own expired',
      { peer: peer(good), own: expired },
      { kind: 'not-attempted' },
      '5.7.10 own-certificate-expired',
    ],
    [
      'expired with KeepTls',
      { peer: peer(expired), own, settings: { ...SETTINGS, expiredCertificate: 'KeepTls' } },
      tls(expired),
      'tls expired-tls-kept',
    ],
    [
      'expired with Defer',
      { peer: peer(expired), own, settings: { ...SETTINGS, expiredCertificate: 'Defer' } },
      tls(expired),
      'waits certificate-expired',
    ],
    ['STARTTLS stripped', { peer: peer(good), own }, { kind: 'not-offered' }, 'waits downgrade-suspected'],
    ['IgnoreSTARTTLS', { peer: peer(good), own, stance: 'ignore' }, tls(good), '5.7.10 starttls-ignored'],
  ])('%s: %4$s', (_, question, outcome, expected) => {
    expect(answer(question, outcome)).toBe(expected);
  });
});

describe('a report on such a message', () => {
  const demand = 'requiretls-report';

  it.each<[string, Outcome, string]>([
    ['any TLS', tls(undefined, false, false), 'tls tls-opportunistic'],
    ['no TLS', { kind: 'not-offered' }, 'waits starttls-not-supported'],
  ])('towards a stranger with %s: %3$s', (_, outcome, expected) => {
    expect(answer({ demand }, outcome)).toBe(expected);
  });

  it('waits on the pair for a new certificate', () => {
    const expired = certificate(['edge01.test'], -1);
    const peer = { fqdn: 'edge01.test', certificate: expired };
    expect(answer({ demand, peer }, tls(expired))).toBe('waits certificate-expired');
  });
});

describe('TLS-Required: No', () => {
  const cut: Outcome = { kind: 'failed', cause: 'reset' };
  const judged = (given: Partial<TrustQuestion>): string => {
    const question = {
      purpose: 'mail',
      stance: 'opportunistic',
      peer: undefined,
      own: undefined,
      settings: SETTINGS,
    } as const;
    const requirement = requirementFor({ ...question, ...given }, NOW);
    return destiny(judge(requirement, cut, { now: NOW, hasWaited: false }));
  };

  it('waits for nobody who cuts the handshake', () => {
    expect([judged({}), judged({ demand: 'tls-optional' })]).toEqual(['waits', 'plaintext']);
  });

  it('does not undo RequireTLS', () => {
    expect(judged({ demand: 'tls-optional', stance: 'require' })).toBe('waits');
  });
});
