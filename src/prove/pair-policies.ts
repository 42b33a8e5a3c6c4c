// The columns: the settings and switches that decide what becomes of mail when TLS is not as it should be (docs/trust.md).

import type { StartTlsStance, TrustSettings } from '../trust/tls-policy.ts';
import type { Heading } from './matrix.ts';

export interface PairPolicy extends Heading {
  readonly stance: StartTlsStance;
  readonly settings: TrustSettings;
}

export interface StrangerPolicy extends Heading {
  readonly stance: StartTlsStance;
}

export const DEFAULT_SETTINGS: TrustSettings = { expiredCertificate: 'Plaintext', untrustedCertificate: 'Defer' };

/** Between Hub and Edge. */
export const PAIR_POLICIES: readonly PairPolicy[] = [
  { id: 'default', title: 'default', stance: 'opportunistic', settings: DEFAULT_SETTINGS },
  {
    id: 'keep-tls',
    title: 'ExpiredCertificate KeepTls',
    stance: 'opportunistic',
    settings: { ...DEFAULT_SETTINGS, expiredCertificate: 'KeepTls' },
  },
  {
    id: 'defer',
    title: 'ExpiredCertificate Defer',
    stance: 'opportunistic',
    settings: { ...DEFAULT_SETTINGS, expiredCertificate: 'Defer' },
  },
  {
    id: 'encrypt',
    title: 'UntrustedCertificate Encrypt',
    stance: 'opportunistic',
    settings: { ...DEFAULT_SETTINGS, untrustedCertificate: 'Encrypt' },
  },
  { id: 'require', title: 'RequireTLS', stance: 'require', settings: DEFAULT_SETTINGS },
  { id: 'ignore', title: 'IgnoreSTARTTLS', stance: 'ignore', settings: DEFAULT_SETTINGS },
];

/** Towards a server of which the directory knows nothing. */
export const STRANGER_POLICIES: readonly StrangerPolicy[] = [
  { id: 'opportunistic', title: 'opportunistic', stance: 'opportunistic' },
  { id: 'require', title: 'RequireTLS', stance: 'require' },
  { id: 'ignore', title: 'IgnoreSTARTTLS', stance: 'ignore' },
];
