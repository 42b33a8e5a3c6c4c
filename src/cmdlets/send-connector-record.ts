// A Send connector as records show it: Exchange 2007's properties in the order of `fl`. Those of routing groups and the MTA,
// which nothing here stands for, are left out.

import { formatAddressSpace } from '../directory/address-space.ts';
import type { SendConnector } from '../directory/send-connector.ts';
import type { Recorded } from '../directory/view.ts';
import { describeObject } from './object-identity.ts';
import { type OutputRecord, sizeValue, timeSpanValue } from './output.ts';
import { describeTlsSettings } from './tls-parameters.ts';

export const SEND_CONNECTOR_TABLE = ['Identity', 'AddressSpaces', 'Enabled'] as const;
export const SEND_CONNECTOR_NOUN = 'Send connector';

export function describeSendConnector(connector: Recorded<SendConnector>): OutputRecord {
  const { Name, Identity, ...tail } = describeObject(connector, connector.name);
  return {
    AddressSpaces: connector.addressSpaces.map(formatAddressSpace),
    AuthenticationCredential: connector.authenticationCredential?.userName,
    ChunkingEnabled: connector.chunkingEnabled,
    Comment: connector.comment,
    ConnectionInactivityTimeOut: timeSpanValue(connector.connectionInactivityTimeoutMs),
    DNSRoutingEnabled: connector.dnsRoutingEnabled,
    DomainSecureEnabled: connector.domainSecureEnabled,
    Enabled: connector.enabled,
    ForceHELO: connector.forceHelo,
    Fqdn: connector.fqdn,
    Identity,
    IgnoreSTARTTLS: connector.ignoreStartTls,
    IsScopedConnector: connector.isScopedConnector,
    IsSmtpConnector: true,
    LinkedReceiveConnector: connector.linkedReceiveConnector,
    MaxMessageSize: sizeValue(connector.maxMessageSizeBytes ?? 'unlimited'),
    Name,
    Port: connector.port,
    ProtocolLoggingLevel: connector.protocolLoggingLevel,
    RequireTLS: connector.requireTls,
    SmartHostAuthMechanism: connector.smartHostAuthMechanism,
    SmartHosts: connector.smartHosts,
    SmartHostsString: connector.smartHosts.join(','),
    SmtpMaxMessagesPerConnection: connector.smtpMaxMessagesPerConnection,
    SourceIPAddress: connector.sourceIpAddress,
    SourceTransportServers: connector.sourceTransportServers,
    ...describeTlsSettings(connector),
    UseExternalDNSServersEnabled: connector.useExternalDnsServersEnabled,
    ...tail,
  };
}
