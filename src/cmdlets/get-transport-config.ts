// Get-TransportConfig: what holds for the whole organisation. Exchange's properties first, then the four of direct trust.

import type { TransportConfig } from '../directory/transport-config.ts';
import type { Recorded } from '../directory/view.ts';
import { defineCmdlet } from './cmdlet.ts';
import { describeObject } from './object-identity.ts';
import { type OutputRecord, sizeValue } from './output.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';
import { hiddenConnectorWarnings } from './tls-parameters.ts';

export const getTransportConfig = defineCmdlet({
  name: 'Get-TransportConfig',
  roles: ['hub', 'edge'],
  synopsis: 'Show the settings of the whole organization',
  description: 'On a subscribed Edge: as the last synchronization brought them.',
  examples: ['Get-TransportConfig', 'Get-TransportConfig | fl Expired*,Untrusted*'],
  parameters: {},
  table: [],
  view: 'list',
  changes: false,
  run(context: ServerContext) {
    const { transportConfig } = organizationOf(context).snapshot();
    return { records: [describeTransportConfig(transportConfig)], warnings: hiddenConnectorWarnings(transportConfig) };
  },
});

function describeTransportConfig(config: Recorded<TransportConfig>): OutputRecord {
  return {
    ExternalPostmasterAddress: config.externalPostmasterAddress,
    InternalSMTPServers: config.internalSmtpServers,
    MaxReceiveSize: sizeValue(config.maxReceiveSizeBytes ?? 'unlimited'),
    MaxRecipientEnvelopeLimit: config.maxRecipientsPerMessage,
    MaxSendSize: sizeValue(config.maxSendSizeBytes ?? 'unlimited'),
    TLSReceiveDomainSecureList: config.tlsReceiveDomainSecureList,
    TLSSendDomainSecureList: config.tlsSendDomainSecureList,
    ExpiredCertificate: config.expiredCertificate,
    UntrustedCertificate: config.untrustedCertificate,
    IntraOrgRequireTLS: config.intraOrgRequireTls,
    IntraOrgIgnoreSTARTTLS: config.intraOrgIgnoreStartTls,
    IntraOrgTlsVerb: config.intraOrgTlsVerb,
    IntraOrgTlsMinimumVersion: config.intraOrgTlsMinimumVersion,
    IntraOrgTlsCipherSuites: config.intraOrgTlsCipherSuites,
    ...describeObject(config, config.name),
  };
}
