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
  readonly then: 'tls' | 'plaintext' | 'waits';
  readonly reason: Reason;
}

export const TRUST_CASES: readonly TrustCase[] = [
  { when: 'both certificates on record and in date', then: 'tls', reason: 'direct-trust' },
  { when: 'both in date, RequireTLS', switch: 'RequireTLS', then: 'tls', reason: 'direct-trust' },
  { when: 'both in date, IgnoreSTARTTLS', switch: 'IgnoreSTARTTLS', then: 'plaintext', reason: 'starttls-ignored' },

  { when: 'peer expired', peer: 'expired', then: 'plaintext', reason: 'certificate-expired' },
  {
    when: 'peer expired, KeepTls',
    peer: 'expired',
    expiredCertificate: 'KeepTls',
    then: 'tls',
    reason: 'expired-tls-kept',
  },
  {
    when: 'peer expired, Defer',
    peer: 'expired',
    expiredCertificate: 'Defer',
    then: 'waits',
    reason: 'certificate-expired',
  },
  {
    when: 'peer expired, RequireTLS',
    peer: 'expired',
    switch: 'RequireTLS',
    then: 'waits',
    reason: 'certificate-expired',
  },
  {
    when: 'peer expired, RequireTLS, KeepTls',
    peer: 'expired',
    switch: 'RequireTLS',
    expiredCertificate: 'KeepTls',
    then: 'tls',
    reason: 'expired-tls-kept',
  },
  {
    when: 'peer expired, IgnoreSTARTTLS',
    peer: 'expired',
    switch: 'IgnoreSTARTTLS',
    then: 'plaintext',
    reason: 'starttls-ignored',
  },

  { when: 'own expired', own: 'expired', then: 'plaintext', reason: 'own-certificate-expired' },
  {
    when: 'own expired, KeepTls',
    own: 'expired',
    expiredCertificate: 'KeepTls',
    then: 'tls',
    reason: 'expired-tls-kept',
  },
  {
    when: 'own expired, Defer',
    own: 'expired',
    expiredCertificate: 'Defer',
    then: 'waits',
    reason: 'own-certificate-expired',
  },
  {
    when: 'own expired, RequireTLS',
    own: 'expired',
    switch: 'RequireTLS',
    then: 'waits',
    reason: 'own-certificate-expired',
  },
  { when: 'both expired', own: 'expired', peer: 'expired', then: 'plaintext', reason: 'own-certificate-expired' },
  {
    when: 'both expired, KeepTls',
    own: 'expired',
    peer: 'expired',
    expiredCertificate: 'KeepTls',
    then: 'tls',
    reason: 'expired-tls-kept',
  },

  { when: 'peer not yet valid', peer: 'not-yet-valid', then: 'plaintext', reason: 'certificate-not-yet-valid' },
  {
    when: 'peer not yet valid, KeepTls',
    peer: 'not-yet-valid',
    expiredCertificate: 'KeepTls',
    then: 'tls',
    reason: 'expired-tls-kept',
  },
  {
    when: 'peer not yet valid, Defer',
    peer: 'not-yet-valid',
    expiredCertificate: 'Defer',
    then: 'waits',
    reason: 'certificate-not-yet-valid',
  },
  { when: 'own not yet valid', own: 'not-yet-valid', then: 'plaintext', reason: 'own-certificate-not-yet-valid' },

  { when: 'peer replaced its certificate', isReplaced: true, then: 'waits', reason: 'certificate-not-trusted' },
  {
    when: 'peer replaced it, RequireTLS',
    isReplaced: true,
    switch: 'RequireTLS',
    then: 'waits',
    reason: 'certificate-not-trusted',
  },
  {
    when: 'peer replaced it, the one on record expired',
    isReplaced: true,
    peer: 'expired',
    then: 'waits',
    reason: 'certificate-not-trusted',
  },
  {
    when: 'peer replaced it, KeepTls',
    isReplaced: true,
    expiredCertificate: 'KeepTls',
    then: 'waits',
    reason: 'certificate-not-trusted',
  },
  {
    when: 'peer replaced it, Encrypt',
    isReplaced: true,
    untrustedCertificate: 'Encrypt',
    then: 'tls',
    reason: 'untrusted-encrypted',
  },

  { when: 'STARTTLS stripped', wire: 'stripped', then: 'plaintext', reason: 'downgrade-suspected' },
  {
    when: 'STARTTLS stripped, RequireTLS',
    wire: 'stripped',
    switch: 'RequireTLS',
    then: 'waits',
    reason: 'downgrade-suspected',
  },
  { when: 'STARTTLS refused with 454', wire: 'refused-454', then: 'plaintext', reason: 'starttls-refused' },
  { when: 'STARTTLS refused with 502', wire: 'refused-502', then: 'plaintext', reason: 'starttls-refused' },
  {
    when: 'STARTTLS refused, RequireTLS',
    wire: 'refused-502',
    switch: 'RequireTLS',
    then: 'waits',
    reason: 'starttls-refused',
  },
  { when: 'handshake answered with garbage', wire: 'garbage', then: 'plaintext', reason: 'handshake-failed' },
  { when: 'handshake answered with an alert', wire: 'alert', then: 'plaintext', reason: 'handshake-failed' },
  {
    when: 'handshake answered with an alert, RequireTLS',
    wire: 'alert',
    switch: 'RequireTLS',
    then: 'waits',
    reason: 'handshake-failed',
  },
  { when: 'handshake reset, first attempt', wire: 'reset', then: 'waits', reason: 'handshake-cut' },
  {
    when: 'handshake reset, after waiting',
    wire: 'reset',
    hasWaited: true,
    then: 'plaintext',
    reason: 'handshake-cut',
  },
  {
    when: 'handshake reset, after waiting, RequireTLS',
    wire: 'reset',
    hasWaited: true,
    switch: 'RequireTLS',
    then: 'waits',
    reason: 'handshake-cut',
  },
  { when: 'silence in the handshake, first attempt', wire: 'silent', then: 'waits', reason: 'handshake-cut' },
  {
    when: 'silence in the handshake, after waiting',
    wire: 'silent',
    hasWaited: true,
    then: 'plaintext',
    reason: 'handshake-cut',
  },
];
