// Set-TransportConfig: what holds for the whole organisation, first of all how a Hub and its Edges answer to certificates that
// have expired or are not on record. What the answers mean is trust's.

import {
  EXPIRED_CERTIFICATE_ANSWERS,
  type TransportConfig,
  UNTRUSTED_CERTIFICATE_ANSWERS,
} from '../directory/transport-config.ts';
import { defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import { changesOf, clearableLimit, clearableText, unchangedWarnings } from './given-changes.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';
import { hiddenConnectorWarnings, TLS_PARAMETERS, TLS_VERB, tlsChanges } from './tls-parameters.ts';
import { STORED } from './unenforced.ts';

export const setTransportConfig = defineCmdlet({
  name: 'Set-TransportConfig',
  roles: ['hub', 'edge'],
  synopsis: 'Change the settings of the whole organization',
  description:
    'Set it on a Hub: EdgeSync carries all of it to the Edge. The IntraOrg switches are those of the hidden connector from Hub to Edge; the way back is the connector "EdgeSync - Inbound to <Site>".',
  examples: ['Set-TransportConfig -ExpiredCertificate Defer', 'Set-TransportConfig -IntraOrgRequireTLS true'],
  parameters: {
    ExpiredCertificate: {
      type: 'enum',
      choices: EXPIRED_CERTIFICATE_ANSWERS,
      help: 'When the certificate on record has expired: Plaintext goes on in clear, KeepTls in TLS, Defer lets mail wait',
    },
    UntrustedCertificate: {
      type: 'enum',
      choices: UNTRUSTED_CERTIFICATE_ANSWERS,
      help: 'When the certificate shown is not on record: Defer lets mail wait, Encrypt goes on in TLS',
    },
    IntraOrgRequireTLS: { type: 'boolean', help: 'From Hub to Edge: mail waits rather than leave in clear' },
    IntraOrgIgnoreSTARTTLS: { type: 'boolean', help: 'From Hub to Edge: never use TLS' },
    IntraOrgTlsVerb: {
      ...TLS_VERB,
      help: "From Hub to Edge: XAnonymousTls uses Exchange's X-ANONYMOUSTLS where it is offered, and STARTTLS where it is not",
    },
    IntraOrgTlsMinimumVersion: {
      ...TLS_PARAMETERS.TlsMinimumVersion,
      help: `From Hub to Edge: ${TLS_PARAMETERS.TlsMinimumVersion.help}`,
    },
    IntraOrgTlsCipherSuites: {
      ...TLS_PARAMETERS.TlsCipherSuites,
      help: `From Hub to Edge: ${TLS_PARAMETERS.TlsCipherSuites.help}`,
    },
    ExternalPostmasterAddress: {
      type: 'string',
      help: `The sender of DSNs to the outside; $null for postmaster of the default domain ${STORED}`,
    },
    InternalSMTPServers: { type: 'strings', help: `Addresses and ranges of hops inside the organization ${STORED}` },
    MaxReceiveSize: { type: 'size', help: `Largest message to recipients inside ${STORED}` },
    MaxSendSize: { type: 'size', help: `Largest message from senders inside ${STORED}` },
    MaxRecipientEnvelopeLimit: { type: 'integer', help: `Recipients of one message ${STORED}` },
    TLSReceiveDomainSecureList: {
      type: 'strings',
      help: 'Domains that mail is taken from with domain security (DomainSecureEnabled of Receive connectors)',
    },
    TLSSendDomainSecureList: {
      type: 'strings',
      help: 'Domains that mail is sent to with domain security (DomainSecureEnabled of Send connectors)',
    },
  },
  table: [],
  changes: true,
  async run(context: ServerContext, given) {
    const organization = organizationOf(context);
    const { tlsVerb, tlsMinimumVersion, tlsCipherSuites } = tlsChanges({
      TlsVerb: given.IntraOrgTlsVerb,
      TlsMinimumVersion: given.IntraOrgTlsMinimumVersion,
      TlsCipherSuites: given.IntraOrgTlsCipherSuites,
    });
    const changes = changesOf<TransportConfig>({
      expiredCertificate: given.ExpiredCertificate,
      untrustedCertificate: given.UntrustedCertificate,
      intraOrgRequireTls: given.IntraOrgRequireTLS,
      intraOrgIgnoreStartTls: given.IntraOrgIgnoreSTARTTLS,
      intraOrgTlsVerb: tlsVerb,
      intraOrgTlsMinimumVersion: tlsMinimumVersion,
      intraOrgTlsCipherSuites: tlsCipherSuites,
      externalPostmasterAddress: clearableText(given.ExternalPostmasterAddress),
      internalSmtpServers: given.InternalSMTPServers,
      maxReceiveSizeBytes: clearableLimit(given.MaxReceiveSize),
      maxSendSizeBytes: clearableLimit(given.MaxSendSize),
      maxRecipientsPerMessage: given.MaxRecipientEnvelopeLimit,
      tlsReceiveDomainSecureList: given.TLSReceiveDomainSecureList,
      tlsSendDomainSecureList: given.TLSSendDomainSecureList,
    });
    const { transportConfig } = organization.snapshot();
    await organization.setTransportConfig((current) => ({ ...current, ...changes }));
    const isChanged = Object.keys(changes).length > 0;
    return {
      records: [],
      notices: isChanged ? edgeSyncNotices(context) : [],
      warnings: isChanged
        ? [...replacementWarnings(context), ...hiddenConnectorWarnings({ ...transportConfig, ...changes })]
        : unchangedWarnings(transportConfig.name, changes),
    };
  },
});

/** An Edge that is subscribed, or about to be, does not keep what is set on it. */
function replacementWarnings({ edge }: ServerContext): readonly string[] {
  if (!edge || edge.adam.snapshot().subscriptionState === 'NotSubscribed') return [];
  return [
    'This Edge is subscribed: the next synchronization replaces the settings with those of the Hub. Set them there.',
  ];
}
