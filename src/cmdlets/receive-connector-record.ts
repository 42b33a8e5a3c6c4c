// A Receive connector as records show it: Exchange 2007's properties in the order of `fl`, with what a connector without
// bindings or name of its own has from the server.

import { formatEndpoint, isSubmission, type ListenAddress } from '../config.ts';
import type { ReceiveConnector } from '../directory/receive-connector.ts';
import type { Recorded } from '../directory/view.ts';
import { describeObject } from './object-identity.ts';
import { type OutputRecord, sizeValue, timeSpanValue } from './output.ts';
import { describeTlsSettings } from './tls-parameters.ts';

export const RECEIVE_CONNECTOR_TABLE = ['Identity', 'Bindings', 'Enabled'] as const;
export const RECEIVE_CONNECTOR_NOUN = 'Receive connector';

/** The server that the connector belongs to. */
interface ListeningServer {
  readonly netbiosName: string;
  readonly fqdn: string;
  readonly addresses: readonly ListenAddress[];
}

export function describeReceiveConnector(connector: Recorded<ReceiveConnector>, server: ListeningServer): OutputRecord {
  const { bindings, submission } = connector;
  const served = server.addresses.filter(({ service }) => isSubmission(service) === submission);
  return {
    AuthMechanism: formatFlags(connector.authMechanism),
    Banner: connector.banner,
    BinaryMimeEnabled: connector.binaryMimeEnabled,
    Bindings: bindings.length === 0 ? served.map(formatEndpoint) : bindings,
    Submission: submission,
    ChunkingEnabled: connector.chunkingEnabled,
    DeliveryStatusNotificationEnabled: connector.deliveryStatusNotificationEnabled,
    EightBitMimeEnabled: connector.eightBitMimeEnabled,
    SmtpUtf8Enabled: connector.smtpUtf8Enabled,
    DomainSecureEnabled: connector.domainSecureEnabled,
    EnhancedStatusCodesEnabled: connector.enhancedStatusCodesEnabled,
    LongAddressesEnabled: connector.longAddressesEnabled,
    OrarEnabled: connector.orarEnabled,
    Fqdn: connector.fqdn ?? server.fqdn,
    Comment: connector.comment,
    Enabled: connector.enabled,
    ...describeLimits(connector),
    PermissionGroups: formatFlags(connector.permissionGroups),
    ExtendedRights: connector.extendedRights,
    DeniedRights: connector.deniedRights,
    PipeliningEnabled: connector.pipeliningEnabled,
    ProtocolLoggingLevel: connector.protocolLoggingLevel,
    RemoteIPRanges: connector.remoteIpRanges,
    RequireTLS: connector.requireTls,
    ...describeTlsSettings(connector),
    EnableAuthGSSAPI: connector.enableAuthGssapi,
    Server: server.netbiosName,
    SizeEnabled: connector.sizeEnabled,
    TarpitInterval: timeSpanValue(connector.tarpitIntervalMs),
    ...describeObject(connector, `${server.netbiosName}\\${connector.name}`),
  };
}

function describeLimits(connector: ReceiveConnector): OutputRecord {
  return {
    ConnectionTimeout: timeSpanValue(connector.connectionTimeoutMs),
    ConnectionInactivityTimeout: timeSpanValue(connector.connectionInactivityTimeoutMs),
    MessageRateLimit: connector.messageRateLimit ?? 'Unlimited',
    MessageRateSource: connector.messageRateSource,
    MaxInboundConnection: connector.maxInboundConnection,
    MaxInboundConnectionPerSource: connector.maxInboundConnectionPerSource ?? 'Unlimited',
    MaxInboundConnectionPercentagePerSource: connector.maxInboundConnectionPercentagePerSource,
    MaxHeaderSize: sizeValue(connector.maxHeaderSizeBytes),
    MaxHopCount: connector.maxHopCount,
    MaxLocalHopCount: connector.maxLocalHopCount,
    MaxLogonFailures: connector.maxLogonFailures,
    MaxMessageSize: sizeValue(connector.maxMessageSizeBytes),
    MaxProtocolErrors: connector.maxProtocolErrors,
    MaxRecipientsPerMessage: connector.maxRecipientsPerMessage,
  };
}

/** Exchange keeps these as flags and prints them without braces. */
function formatFlags(flags: readonly string[]): string {
  return flags.length === 0 ? 'None' : flags.join(', ');
}
