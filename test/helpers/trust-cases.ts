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

/** One certificate on record beside the current one, and which certificate the peer shows. */
export interface RenewalCase extends Omit<TrustCase, 'isReplaced'> {
  readonly aside?: {
    readonly part: 'next' | 'previous';
    readonly dates?: Dates;
    /** The grace period of the previous one is over. */
    readonly isWithdrawn?: boolean;
  };
  /** The current one, the one beside it, one on nobody's record for the same key as the current one or as that beside it. */
  readonly shown?: 'current' | 'aside' | 'reissued' | 'aside-reissued';
}

/** Several certificates on record; walked as a pure table alone, since real servers show them one at a time. */
export const RENEWAL_CASES: readonly RenewalCase[] = [
  { when: 'next staged, current shown', aside: { part: 'next' }, result: 'tls', reason: 'direct-trust' },
  { when: 'next shown', aside: { part: 'next' }, shown: 'aside', result: 'tls', reason: 'direct-trust' },
  {
    when: 'next shown, RequireTLS',
    aside: { part: 'next' },
    shown: 'aside',
    switch: 'RequireTLS',
    result: 'tls',
    reason: 'direct-trust',
  },
  {
    when: 'next shown, the current one expired',
    aside: { part: 'next' },
    shown: 'aside',
    peer: 'expired',
    result: 'tls',
    reason: 'direct-trust',
  },
  {
    when: 'next staged, current shown and expired',
    aside: { part: 'next' },
    peer: 'expired',
    result: 'plaintext',
    reason: 'certificate-expired',
  },
  {
    when: 'next shown and expired',
    aside: { part: 'next', dates: 'expired' },
    shown: 'aside',
    result: 'plaintext',
    reason: 'certificate-expired',
  },
  {
    when: 'next shown and expired, Defer',
    aside: { part: 'next', dates: 'expired' },
    shown: 'aside',
    expiredCertificate: 'Defer',
    result: 'waits',
    reason: 'certificate-expired',
  },
  {
    when: 'next shown and not yet valid',
    aside: { part: 'next', dates: 'not-yet-valid' },
    shown: 'aside',
    result: 'plaintext',
    reason: 'certificate-not-yet-valid',
  },
  {
    when: 'previous shown in its grace',
    aside: { part: 'previous' },
    shown: 'aside',
    result: 'tls',
    reason: 'direct-trust',
  },
  {
    when: 'previous shown in its grace, expired',
    aside: { part: 'previous', dates: 'expired' },
    shown: 'aside',
    result: 'plaintext',
    reason: 'certificate-expired',
  },
  {
    when: 'previous shown after its grace',
    aside: { part: 'previous', isWithdrawn: true },
    shown: 'aside',
    result: 'waits',
    reason: 'certificate-not-trusted',
  },
  {
    when: 'previous shown after its grace, Encrypt',
    aside: { part: 'previous', isWithdrawn: true },
    shown: 'aside',
    untrustedCertificate: 'Encrypt',
    result: 'tls',
    reason: 'untrusted-encrypted',
  },
  { when: 're-issued for the same key', shown: 'reissued', result: 'waits', reason: 'same-key-reissued' },
  {
    when: 're-issued for the same key, RequireTLS',
    shown: 'reissued',
    switch: 'RequireTLS',
    result: 'waits',
    reason: 'same-key-reissued',
  },
  {
    when: 're-issued for the key of the expired one',
    shown: 'reissued',
    peer: 'expired',
    result: 'waits',
    reason: 'same-key-reissued',
  },
  {
    when: 're-issued for the same key, Encrypt',
    shown: 'reissued',
    untrustedCertificate: 'Encrypt',
    result: 'tls',
    reason: 'untrusted-encrypted',
  },
  {
    when: 're-issued for the key of the staged one',
    aside: { part: 'next' },
    shown: 'aside-reissued',
    result: 'waits',
    reason: 'same-key-reissued',
  },
  {
    when: 're-issued for the key of the withdrawn one',
    aside: { part: 'previous', isWithdrawn: true },
    shown: 'aside-reissued',
    result: 'waits',
    reason: 'certificate-not-trusted',
  },
  {
    when: 'STARTTLS missing, current expired, next in date',
    aside: { part: 'next' },
    peer: 'expired',
    wire: 'stripped',
    result: 'plaintext',
    reason: 'downgrade-suspected',
  },
  {
    when: 'STARTTLS missing, current expired, previous in date',
    aside: { part: 'previous' },
    peer: 'expired',
    wire: 'stripped',
    result: 'plaintext',
    reason: 'downgrade-suspected',
  },
  {
    when: 'STARTTLS missing, current expired, next not yet valid',
    aside: { part: 'next', dates: 'not-yet-valid' },
    peer: 'expired',
    wire: 'stripped',
    result: 'plaintext',
    reason: 'certificate-expired',
  },
  {
    when: 'STARTTLS missing, current expired, previous withdrawn',
    aside: { part: 'previous', isWithdrawn: true },
    peer: 'expired',
    wire: 'stripped',
    result: 'plaintext',
    reason: 'certificate-expired',
  },
];

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
