// What a connector demands of TLS: the lowest version and the suites. Without a word it is TLS 1.2 (RFC 8996) and suites with
// forward secrecy and AEAD alone (RFC 9325 §4.2); less is for tests of packets, and `describeWeakness` names it to be said aloud.

import { getCiphers, type SecureVersion } from 'node:tls';

/** As .NET's SslProtocols spells them, the oldest first. */
export const TLS_VERSIONS = ['Tls10', 'Tls11', 'Tls12', 'Tls13'] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

export interface TlsTerms {
  readonly tlsMinimumVersion: TlsVersion;
  /** OpenSSL's names, the most wanted first; none: those that `suitesOf` gives. */
  readonly tlsCipherSuites: readonly string[];
}

export const DEFAULT_TLS_TERMS: TlsTerms = { tlsMinimumVersion: 'Tls12', tlsCipherSuites: [] };

const NODE_NAMES: Readonly<Record<TlsVersion, SecureVersion>> = {
  Tls10: 'TLSv1',
  Tls11: 'TLSv1.1',
  Tls12: 'TLSv1.2',
  Tls13: 'TLSv1.3',
};

const STRONG_SUITES = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
];

/** What TLS 1.0 and 1.1 have: they know no AEAD. */
const OLD_SUITES = [
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'AES256-SHA',
  'AES128-SHA',
];

/** The suites in force, TLS 1.3's among them. */
export function suitesOf({ tlsMinimumVersion, tlsCipherSuites }: TlsTerms): readonly string[] {
  if (tlsCipherSuites.length > 0) return tlsCipherSuites;
  return isOld(tlsMinimumVersion) ? [...STRONG_SUITES, ...OLD_SUITES] : STRONG_SUITES;
}

interface ContextTerms {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  readonly ciphers: string;
}

/**
 * The same as Node's contexts take it: suites of TLS 1.3 alone leave TLS 1.3 alone, and none of them leaves it out. OpenSSL allows
 * what is weak at its lowest security level only.
 */
export function contextTerms(terms: TlsTerms): ContextTerms {
  const suites = suitesOf(terms);
  const isAll13 = suites.every(isOfTls13);
  const isWeak = !isAll13 && describeWeakness(terms) !== undefined;
  return {
    minVersion: isAll13 ? 'TLSv1.3' : NODE_NAMES[terms.tlsMinimumVersion],
    maxVersion: suites.some(isOfTls13) ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: [...suites, ...(isWeak ? ['@SECLEVEL=0'] : [])].join(':'),
  };
}

/** "TLS 1.0, AES128-SHA": what these terms allow that can be broken; undefined when there is nothing. */
export function describeWeakness(terms: TlsTerms): string | undefined {
  const { tlsMinimumVersion: version, tlsCipherSuites } = terms;
  const weak = [
    ...(isOld(version) ? [formatVersion(version)] : []),
    ...tlsCipherSuites.filter((suite) => !isStrongSuite(suite)),
  ];
  return weak.length === 0 ? undefined : weak.join(', ');
}

/** Whether a version that was negotiated, in OpenSSL's word for it, is none below `minimum`. */
export function isAtLeast(protocol: string | null, minimum: TlsVersion): boolean {
  const rank = TLS_VERSIONS.findIndex((version) => NODE_NAMES[version] === protocol);
  return rank !== -1 && rank >= TLS_VERSIONS.indexOf(minimum);
}

/** Forward secrecy and AEAD. */
function isStrongSuite(suite: string): boolean {
  return isOfTls13(suite) || /^(?:EC)?DHE-.*(?:GCM|CCM|CHACHA20)/.test(suite);
}

function isOfTls13(suite: string): boolean {
  return suite.startsWith('TLS_');
}

function isOld(version: TlsVersion): boolean {
  return TLS_VERSIONS.indexOf(version) < TLS_VERSIONS.indexOf('Tls12');
}

function formatVersion(version: TlsVersion): string {
  return version.replace(/^Tls(\d)(\d)$/, 'TLS $1.$2');
}

/** As OpenSSL spells the suite; undefined when it has none of that name that goes with a certificate. */
export function findSuite(name: string): string | undefined {
  const wanted = name.toUpperCase();
  return getCiphers().includes(wanted.toLowerCase()) && !/PSK|SRP|^A(?:EC)?DH-/.test(wanted) ? wanted : undefined;
}

/** Why no handshake could ever keep these terms; undefined when one can. */
export function findContradiction(terms: TlsTerms): string | undefined {
  const { tlsMinimumVersion, tlsCipherSuites } = terms;
  const unknown = tlsCipherSuites.find((suite) => findSuite(suite) === undefined);
  if (unknown !== undefined) return `TlsCipherSuites: OpenSSL has no suite "${unknown}" that goes with a certificate`;
  if (tlsMinimumVersion === 'Tls13' && !suitesOf(terms).some(isOfTls13))
    return 'TlsMinimumVersion Tls13 needs a suite of TLS 1.3 in TlsCipherSuites, such as TLS_AES_256_GCM_SHA384';
  return undefined;
}
