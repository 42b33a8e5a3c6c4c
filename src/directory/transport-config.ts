// What holds for the whole organisation: the answers to an expired and to an unknown certificate, sizes, internal servers.
// Kept on CN=Transport Settings; EdgeSync carries all of it to the Edge and replaces what is there. What the answers mean is
// trust's.

import { Problem } from '../problem.ts';
import {
  choiceField,
  flagField,
  integerField,
  optionalInteger,
  optionalText,
  requiredText,
  textListField,
} from './attribute-field.ts';
import { normalizeDomainName } from './domain-name.ts';
import { parseIpRange } from '../ip-range.ts';
import { findContradiction } from '../tls/tls-terms.ts';
import { DEFAULT_TLS_SETTINGS, tlsFields, type TlsSettings } from './tls-settings.ts';
import { defineView, type View } from './view.ts';

export const EXPIRED_CERTIFICATE_ANSWERS = ['Plaintext', 'KeepTls', 'Defer'] as const;
export type ExpiredCertificateAnswer = (typeof EXPIRED_CERTIFICATE_ANSWERS)[number];

export const UNTRUSTED_CERTIFICATE_ANSWERS = ['Defer', 'Encrypt'] as const;
export type UntrustedCertificateAnswer = (typeof UNTRUSTED_CERTIFICATE_ANSWERS)[number];

export interface TransportConfig {
  /** Always `Transport Settings`. */
  readonly name: string;
  readonly expiredCertificate: ExpiredCertificateAnswer;
  readonly untrustedCertificate: UntrustedCertificateAnswer;
  /** Addresses and ranges that hops inside the organisation come from. */
  readonly internalSmtpServers: readonly string[];
  readonly externalPostmasterAddress?: string | undefined;
  /** Undefined: unlimited. */
  readonly maxReceiveSizeBytes?: number | undefined;
  /** Undefined: unlimited. */
  readonly maxSendSizeBytes?: number | undefined;
  readonly maxRecipientsPerMessage: number;
  readonly tlsReceiveDomainSecureList: readonly string[];
  readonly tlsSendDomainSecureList: readonly string[];
  /** Switches of the hidden intra-organization connector, which no Send connector cmdlet reaches. */
  readonly intraOrgIgnoreStartTls: boolean;
  readonly intraOrgRequireTls: boolean;
  readonly intraOrgTlsVerb: TlsSettings['tlsVerb'];
  readonly intraOrgTlsMinimumVersion: TlsSettings['tlsMinimumVersion'];
  readonly intraOrgTlsCipherSuites: TlsSettings['tlsCipherSuites'];
}

const TRANSPORT_SETTINGS_NAME = 'Transport Settings';
const TEN_MIB = 10 * 1024 * 1024;

export const DEFAULT_TRANSPORT_CONFIG: TransportConfig = {
  name: TRANSPORT_SETTINGS_NAME,
  expiredCertificate: 'Plaintext',
  untrustedCertificate: 'Defer',
  internalSmtpServers: [],
  maxReceiveSizeBytes: TEN_MIB,
  maxSendSizeBytes: TEN_MIB,
  maxRecipientsPerMessage: 5000,
  tlsReceiveDomainSecureList: [],
  tlsSendDomainSecureList: [],
  intraOrgIgnoreStartTls: false,
  intraOrgRequireTls: false,
  intraOrgTlsVerb: DEFAULT_TLS_SETTINGS.tlsVerb,
  intraOrgTlsMinimumVersion: DEFAULT_TLS_SETTINGS.tlsMinimumVersion,
  intraOrgTlsCipherSuites: DEFAULT_TLS_SETTINGS.tlsCipherSuites,
};

const INTRA_ORG_TLS = tlsFields('msExchTransportIntraOrg');

export const transportConfigView: View<TransportConfig> = defineView(
  'transport configuration',
  'msExchTransportSettings',
  {
    name: requiredText('cn'),
    expiredCertificate: choiceField('msExchTransportExpiredCertificate', EXPIRED_CERTIFICATE_ANSWERS, 'Plaintext'),
    untrustedCertificate: choiceField('msExchTransportUntrustedCertificate', UNTRUSTED_CERTIFICATE_ANSWERS, 'Defer'),
    internalSmtpServers: textListField('msExchInternalSMTPServers'),
    externalPostmasterAddress: optionalText('msExchTransportExternalPostmasterAddress'),
    maxReceiveSizeBytes: optionalInteger('msExchTransportMaxReceiveSize'),
    maxSendSizeBytes: optionalInteger('msExchTransportMaxSendSize'),
    maxRecipientsPerMessage: integerField('msExchTransportMaxRecipients', 5000),
    tlsReceiveDomainSecureList: textListField('msExchTLSReceiveDomainSecureList'),
    tlsSendDomainSecureList: textListField('msExchTLSSendDomainSecureList'),
    intraOrgIgnoreStartTls: flagField('msExchTransportIntraOrgIgnoreSTARTTLS', false),
    intraOrgRequireTls: flagField('msExchTransportIntraOrgRequireTLS', false),
    intraOrgTlsVerb: INTRA_ORG_TLS.tlsVerb,
    intraOrgTlsMinimumVersion: INTRA_ORG_TLS.tlsMinimumVersion,
    intraOrgTlsCipherSuites: INTRA_ORG_TLS.tlsCipherSuites,
  },
);

/** What the hidden connector says about TLS, as other connectors do. */
export function intraOrgTls(config: TransportConfig): TlsSettings {
  return {
    tlsVerb: config.intraOrgTlsVerb,
    tlsMinimumVersion: config.intraOrgTlsMinimumVersion,
    tlsCipherSuites: config.intraOrgTlsCipherSuites,
  };
}

/** Whether a domain is on a domain-secure list, by its name or by `*.` and one above it. */
export function isListed(list: readonly string[], domain: string): boolean {
  const name = normalizeDomainName(domain);
  return list.some((entry) => {
    const listed = normalizeDomainName(entry.replace(/^\*\./, ''));
    if (name === undefined || listed === undefined) return false;
    return entry.startsWith('*.') ? name.endsWith(`.${listed}`) : name === listed;
  });
}

/** Throws Problem `bad-transport-config`. */
export function validateTransportConfig(config: TransportConfig): void {
  if (config.intraOrgIgnoreStartTls && config.intraOrgRequireTls) {
    throw refuse('IntraOrgRequireTLS and IntraOrgIgnoreSTARTTLS contradict each other; set one of them to $false');
  }
  const contradiction = findContradiction(intraOrgTls(config));
  if (contradiction !== undefined) throw refuse(`IntraOrg${contradiction}`);
  for (const range of config.internalSmtpServers) {
    if (!parseIpRange(range)) throw refuse(`"${range}" in InternalSMTPServers is no address and no range of addresses`);
  }
  for (const domain of [...config.tlsReceiveDomainSecureList, ...config.tlsSendDomainSecureList]) {
    if (normalizeDomainName(domain.replace(/^\*\./, '')) === undefined)
      throw refuse(`"${domain}" in a domain-secure list is not a domain`);
  }
  const postmaster = config.externalPostmasterAddress;
  if (postmaster !== undefined && !/^[^\s@<>]{1,64}@[^\s@<>]{1,253}$/.test(postmaster)) {
    throw refuse(`"${postmaster}" in ExternalPostmasterAddress is no mail address`);
  }
  for (const size of [config.maxReceiveSizeBytes, config.maxSendSizeBytes]) {
    if (size !== undefined && !isWithin(size, 1, 2_147_483_647))
      throw refuse(`a size of ${size} bytes is outside 1 to 2147483647`);
  }
  if (!isWithin(config.maxRecipientsPerMessage, 100, 512_000)) {
    throw refuse(`${config.maxRecipientsPerMessage} recipients a message are outside 100 to 512000`);
  }
}

function isWithin(value: number, low: number, high: number): boolean {
  return Number.isSafeInteger(value) && value >= low && value <= high;
}

function refuse(sentence: string): Problem {
  return new Problem('bad-transport-config', sentence);
}
