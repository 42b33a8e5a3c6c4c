// The trust rules of the pair as a table of cases, each with the answer that docs/trust.md promises. The same rows are
// walked twice: against trust/ as a pure table (test/contract/tls-policy.test.ts) and over real sockets between a Hub and
// an Edge process (test/integration/trust-rules.test.ts). They are written by hand from the rules, not from the code.

import type { Reason } from '../../src/trust/reasons.ts';

export type Dates = 'in-date' | 'expired' | 'not-yet-valid';

/** What the wire between the two does to STARTTLS. */
export type Wire = 'clean' | 'stripped' | 'refused-454' | 'refused-502' | 'garbage' | 'alert' | 'reset' | 'silent';

export interface TrustCase {
  readonly when: string;
  readonly expiredCertificate?: 'Plaintext' | 'KeepTls' | 'Defer';
  readonly untrustedCertificate?: 'Defer' | 'Encrypt';
  readonly switch?: 'RequireTLS' | 'IgnoreSTARTTLS';
  readonly own?: Dates;
  readonly peer?: Dates;
  /** The peer shows a certificate that is not on record. */
  readonly isReplaced?: boolean;
  readonly wire?: Wire;
  /** The message has been deferred once already. */
  readonly hasWaited?: boolean;
  readonly result: 'tls' | 'plaintext' | 'waits';
  readonly reason: Reason;
}

export const TRUST_CASES: readonly TrustCase[] = [
  { when: 'both certificates on record and in date', result: 'tls', reason: 'direct-trust' },
  { when: 'both in date, RequireTLS', switch: 'RequireTLS', result: 'tls', reason: 'direct-trust' },
  { when: 'both in date, IgnoreSTARTTLS', switch: 'IgnoreSTARTTLS', result: 'plaintext', reason: 'starttls-ignored' },

  { when: 'peer expired', peer: 'expired', result: 'plaintext', reason: 'certificate-expired' },
  {
    when: 'peer expired, KeepTls',
    peer: 'expired',
    expiredCertificate: 'KeepTls',
    result: 'tls',
    reason: 'expired-tls-kept',
  },
  {
    when: 'peer expired, Defer',
    peer: 'expired',
    expiredCertificate: 'Defer',
    result: 'waits',
    reason: 'certificate-expired',
  },
  {
    when: 'peer expired, RequireTLS',
    peer: 'expired',
    switch: 'RequireTLS',
    result: 'waits',
    reason: 'certificate-expired',
  },
  {
    when: 'peer expired, RequireTLS, KeepTls',
    peer: 'expired',
    switch: 'RequireTLS',
    expiredCertificate: 'KeepTls',
    result: 'tls',
    reason: 'expired-tls-kept',
  },
  {
    when: 'peer expired, IgnoreSTARTTLS',
    peer: 'expired',
    switch: 'IgnoreSTARTTLS',
    result: 'plaintext',
    reason: 'starttls-ignored',
  },

  { when: 'own expired', own: 'expired', result: 'plaintext', reason: 'own-certificate-expired' },
  {
    when: 'own expired, KeepTls',
    own: 'expired',
    expiredCertificate: 'KeepTls',
    result: 'tls',
    reason: 'expired-tls-kept',
  },
  {
    when: 'own expired, Defer',
    own: 'expired',
    expiredCertificate: 'Defer',
    result: 'waits',
    reason: 'own-certificate-expired',
  },
  {
    when: 'own expired, RequireTLS',
    own: 'expired',
    switch: 'RequireTLS',
    result: 'waits',
    reason: 'own-certificate-expired',
  },
  { when: 'both expired', own: 'expired', peer: 'expired', result: 'plaintext', reason: 'own-certificate-expired' },
  {
    when: 'both expired, KeepTls',
    own: 'expired',
    peer: 'expired',
    expiredCertificate: 'KeepTls',
    result: 'tls',
    reason: 'expired-tls-kept',
  },

  { when: 'peer not yet valid', peer: 'not-yet-valid', result: 'plaintext', reason: 'certificate-not-yet-valid' },
  {
    when: 'peer not yet valid, KeepTls',
    peer: 'not-yet-valid',
    expiredCertificate: 'KeepTls',
    result: 'tls',
    reason: 'expired-tls-kept',
  },
  {
    when: 'peer not yet valid, Defer',
    peer: 'not-yet-valid',
    expiredCertificate: 'Defer',
    result: 'waits',
    reason: 'certificate-not-yet-valid',
  },
  { when: 'own not yet valid', own: 'not-yet-valid', result: 'plaintext', reason: 'own-certificate-not-yet-valid' },

  { when: 'peer replaced its certificate', isReplaced: true, result: 'waits', reason: 'certificate-not-trusted' },
  {
    when: 'peer replaced it, RequireTLS',
    isReplaced: true,
    switch: 'RequireTLS',
    result: 'waits',
    reason: 'certificate-not-trusted',
  },
  {
    when: 'peer replaced it, the one on record expired',
    isReplaced: true,
    peer: 'expired',
    result: 'waits',
    reason: 'certificate-not-trusted',
  },
  {
    when: 'peer replaced it, KeepTls',
    isReplaced: true,
    expiredCertificate: 'KeepTls',
    result: 'waits',
    reason: 'certificate-not-trusted',
  },
  {
    when: 'peer replaced it, Encrypt',
    isReplaced: true,
    untrustedCertificate: 'Encrypt',
    result: 'tls',
    reason: 'untrusted-encrypted',
  },

  { when: 'STARTTLS stripped', wire: 'stripped', result: 'plaintext', reason: 'downgrade-suspected' },
  {
    when: 'STARTTLS stripped, RequireTLS',
    wire: 'stripped',
    switch: 'RequireTLS',
    result: 'waits',
    reason: 'downgrade-suspected',
  },
  { when: 'STARTTLS refused with 454', wire: 'refused-454', result: 'plaintext', reason: 'starttls-refused' },
  { when: 'STARTTLS refused with 502', wire: 'refused-502', result: 'plaintext', reason: 'starttls-refused' },
  {
    when: 'STARTTLS refused, RequireTLS',
    wire: 'refused-502',
    switch: 'RequireTLS',
    result: 'waits',
    reason: 'starttls-refused',
  },
  { when: 'handshake answered with garbage', wire: 'garbage', result: 'plaintext', reason: 'handshake-failed' },
  { when: 'handshake answered with an alert', wire: 'alert', result: 'plaintext', reason: 'handshake-failed' },
  {
    when: 'handshake answered with an alert, RequireTLS',
    wire: 'alert',
    switch: 'RequireTLS',
    result: 'waits',
    reason: 'handshake-failed',
  },
  { when: 'handshake reset, first attempt', wire: 'reset', result: 'waits', reason: 'handshake-cut' },
  {
    when: 'handshake reset, after waiting',
    wire: 'reset',
    hasWaited: true,
    result: 'plaintext',
    reason: 'handshake-cut',
  },
  {
    when: 'handshake reset, after waiting, RequireTLS',
    wire: 'reset',
    hasWaited: true,
    switch: 'RequireTLS',
    result: 'waits',
    reason: 'handshake-cut',
  },
  { when: 'silence in the handshake, first attempt', wire: 'silent', result: 'waits', reason: 'handshake-cut' },
  {
    when: 'silence in the handshake, after waiting',
    wire: 'silent',
    hasWaited: true,
    result: 'plaintext',
    reason: 'handshake-cut',
  },
];
