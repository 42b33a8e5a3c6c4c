// The columns: the settings and switches that decide what becomes of mail when TLS is not as it should be (docs/trust.md).

import type { TlsVersion } from '../tls/tls-terms.ts';
import type { StartTlsStance, TrustSettings } from '../trust/tls-policy.ts';
import type { Heading } from './matrix.ts';

/** What the connector says, and what the sender of the message asks for. */
export interface StrangerPolicy extends Heading {
  readonly stance: StartTlsStance;
  /** The lowest version (TlsMinimumVersion); TLS 1.2 when absent. */
  readonly floor?: TlsVersion;
  /** Letters are handed in with REQUIRETLS (RFC 8689). */
  readonly isTlsDemanded?: boolean;
}

export interface PairPolicy extends StrangerPolicy {
  readonly settings: TrustSettings;
  /** Both sides use X-ANONYMOUSTLS (TlsVerb), Exchange's own. */
  readonly isAnonymousTls?: boolean;
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
  {
    id: 'requiretls',
    title: 'letter with REQUIRETLS',
    stance: 'opportunistic',
    settings: DEFAULT_SETTINGS,
    isTlsDemanded: true,
  },
  {
    id: 'tls-1.3',
    title: 'TlsMinimumVersion Tls13',
    stance: 'opportunistic',
    settings: DEFAULT_SETTINGS,
    floor: 'Tls13',
  },
  {
    id: 'tls-1.0',
    title: 'TlsMinimumVersion Tls10',
    stance: 'opportunistic',
    settings: DEFAULT_SETTINGS,
    floor: 'Tls10',
  },
  {
    id: 'x-anonymoustls',
    title: 'TlsVerb XAnonymousTls',
    stance: 'opportunistic',
    settings: DEFAULT_SETTINGS,
    isAnonymousTls: true,
  },
];

/** Towards a server of which the directory knows nothing. */
export const STRANGER_POLICIES: readonly StrangerPolicy[] = [
  { id: 'opportunistic', title: 'opportunistic', stance: 'opportunistic' },
  { id: 'require', title: 'RequireTLS', stance: 'require' },
  { id: 'ignore', title: 'IgnoreSTARTTLS', stance: 'ignore' },
  { id: 'requiretls', title: 'letter with REQUIRETLS', stance: 'opportunistic', isTlsDemanded: true },
  { id: 'tls-1.3', title: 'TlsMinimumVersion Tls13', stance: 'opportunistic', floor: 'Tls13' },
  { id: 'tls-1.0', title: 'TlsMinimumVersion Tls10', stance: 'opportunistic', floor: 'Tls10' },
];
