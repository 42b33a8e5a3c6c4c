// Receive connectors: whom a server listens to and what they may do (exchange 2007: Set-ReceiveConnector). Each server keeps
// its own, they are never replicated. Rights are receive-rights.ts, which values go together is receive-connector-rules.ts.

import {
  choiceField,
  choicesField,
  flagField,
  integerField,
  optionalInteger,
  optionalText,
  requiredText,
  textListField,
} from './attribute-field.ts';
import { isSubmission, type Service } from '../config.ts';
import { isBoundTo } from './binding.ts';
import { parseIpRange, rangeContains, rangeSize } from '../ip-range.ts';
import { EXTENDED_RIGHTS, PERMISSION_GROUPS, type PermissionGroup, type Right } from './receive-rights.ts';
import { PROTOCOL_LOGGING_LEVELS, type ProtocolLoggingLevel } from './send-connector.ts';
import { tlsFields, type TlsSettings } from './tls-settings.ts';
import { defineView, type View } from './view.ts';

export { type PermissionGroup, type Principal, type Right, rightsOf } from './receive-rights.ts';

export const AUTH_MECHANISMS = [
  'Tls',
  'Integrated',
  'BasicAuth',
  'BasicAuthRequireTLS',
  'ExchangeServer',
  'ExternalAuthoritative',
] as const;
export type AuthMechanism = (typeof AUTH_MECHANISMS)[number];

export const SIZE_OFFERS = ['Enabled', 'Disabled', 'EnabledWithoutValue'] as const;
export type SizeOffer = (typeof SIZE_OFFERS)[number];

/** By what a message rate is counted: the address that mail comes from, the user who sends it, or either. */
export const MESSAGE_RATE_SOURCES = ['None', 'IPAddress', 'User', 'All'] as const;
export type MessageRateSource = (typeof MESSAGE_RATE_SOURCES)[number];

export interface ReceiveConnector extends TlsSettings {
  readonly name: string;
  readonly enabled: boolean;
  readonly comment?: string | undefined;
  /** Serves where the config listens for submission (RFC 6409, RFC 8314), and nowhere else; one without serves elsewhere. */
  readonly submission: boolean;
  /** `0.0.0.0:25`, `[::]:25`; none: every address that the config listens at for it. Port 0 stands for whichever port it became. */
  readonly bindings: readonly string[];
  /** One address, CIDR or low-high each. */
  readonly remoteIpRanges: readonly string[];
  readonly authMechanism: readonly AuthMechanism[];
  readonly permissionGroups: readonly PermissionGroup[];
  /** What the anonymous have beyond their group, as Add-ADPermission would give it. */
  readonly extendedRights: readonly Right[];
  /** What the anonymous do not have although their group gives it, as Add-ADPermission -Deny would have it. */
  readonly deniedRights: readonly Right[];
  /** Name in greeting and TLS; the server's own when absent. */
  readonly fqdn?: string | undefined;
  /** Begins with `220 `; the usual one when absent. */
  readonly banner?: string | undefined;
  readonly requireTls: boolean;
  readonly domainSecureEnabled: boolean;
  readonly enableAuthGssapi: boolean;
  readonly pipeliningEnabled: boolean;
  readonly eightBitMimeEnabled: boolean;
  readonly binaryMimeEnabled: boolean;
  readonly chunkingEnabled: boolean;
  readonly enhancedStatusCodesEnabled: boolean;
  readonly deliveryStatusNotificationEnabled: boolean;
  readonly smtpUtf8Enabled: boolean;
  readonly sizeEnabled: SizeOffer;
  readonly longAddressesEnabled: boolean;
  readonly orarEnabled: boolean;
  readonly maxMessageSizeBytes: number;
  readonly maxHeaderSizeBytes: number;
  readonly maxRecipientsPerMessage: number;
  readonly maxHopCount: number;
  readonly maxLocalHopCount: number;
  readonly maxInboundConnection: number;
  /** Undefined: unlimited. */
  readonly maxInboundConnectionPerSource?: number | undefined;
  readonly maxInboundConnectionPercentagePerSource: number;
  readonly connectionTimeoutMs: number;
  readonly connectionInactivityTimeoutMs: number;
  /** Messages a minute from one source; undefined: unlimited. */
  readonly messageRateLimit?: number | undefined;
  readonly messageRateSource: MessageRateSource;
  /** 0: the session is never ended for them. */
  readonly maxLogonFailures: number;
  /** 0: the session is never ended for them. */
  readonly maxProtocolErrors: number;
  readonly tarpitIntervalMs: number;
  readonly protocolLoggingLevel: ProtocolLoggingLevel;
}

const PREFIX = 'msExchSmtpReceive';

export const receiveConnectorView: View<ReceiveConnector> = defineView('Receive connector', `${PREFIX}Connector`, {
  name: requiredText('cn'),
  enabled: flagField(`${PREFIX}Enabled`, true),
  comment: optionalText('adminDescription'),
  submission: flagField(`${PREFIX}Submission`, false),
  bindings: textListField(`${PREFIX}Bindings`),
  remoteIpRanges: textListField(`${PREFIX}RemoteIPRanges`),
  authMechanism: choicesField(`${PREFIX}AuthMechanism`, AUTH_MECHANISMS),
  permissionGroups: choicesField(`${PREFIX}PermissionGroups`, PERMISSION_GROUPS),
  extendedRights: choicesField(`${PREFIX}ExtendedRights`, EXTENDED_RIGHTS),
  deniedRights: choicesField(`${PREFIX}DeniedRights`, EXTENDED_RIGHTS),
  fqdn: optionalText(`${PREFIX}Fqdn`),
  banner: optionalText(`${PREFIX}Banner`),
  requireTls: flagField(`${PREFIX}RequireTLS`, false),
  domainSecureEnabled: flagField(`${PREFIX}DomainSecureEnabled`, false),
  enableAuthGssapi: flagField(`${PREFIX}EnableAuthGSSAPI`, false),
  pipeliningEnabled: flagField(`${PREFIX}PipeliningEnabled`, true),
  eightBitMimeEnabled: flagField(`${PREFIX}EightBitMimeEnabled`, true),
  binaryMimeEnabled: flagField(`${PREFIX}BinaryMimeEnabled`, true),
  chunkingEnabled: flagField(`${PREFIX}ChunkingEnabled`, true),
  enhancedStatusCodesEnabled: flagField(`${PREFIX}EnhancedStatusCodesEnabled`, true),
  deliveryStatusNotificationEnabled: flagField(`${PREFIX}DsnEnabled`, true),
  smtpUtf8Enabled: flagField(`${PREFIX}SmtpUtf8Enabled`, true),
  sizeEnabled: choiceField(`${PREFIX}SizeEnabled`, SIZE_OFFERS, 'Enabled'),
  longAddressesEnabled: flagField(`${PREFIX}LongAddressesEnabled`, false),
  orarEnabled: flagField(`${PREFIX}OrarEnabled`, false),
  maxMessageSizeBytes: integerField(`${PREFIX}MaxMessageSize`, 10 * 1024 * 1024),
  maxHeaderSizeBytes: integerField(`${PREFIX}MaxHeaderSize`, 64 * 1024),
  maxRecipientsPerMessage: integerField(`${PREFIX}MaxRecipientsPerMessage`, 200),
  maxHopCount: integerField(`${PREFIX}MaxHopCount`, 30),
  maxLocalHopCount: integerField(`${PREFIX}MaxLocalHopCount`, 8),
  maxInboundConnection: integerField(`${PREFIX}MaxInboundConnections`, 5000),
  maxInboundConnectionPerSource: optionalInteger(`${PREFIX}MaxConnectionsPerSource`),
  maxInboundConnectionPercentagePerSource: integerField(`${PREFIX}MaxConnectionPercent`, 2),
  connectionTimeoutMs: integerField(`${PREFIX}ConnectionTimeout`, 600_000),
  connectionInactivityTimeoutMs: integerField(`${PREFIX}InactivityTimeout`, 300_000),
  messageRateLimit: optionalInteger(`${PREFIX}MessageRateLimit`),
  messageRateSource: choiceField(`${PREFIX}MessageRateSource`, MESSAGE_RATE_SOURCES, 'IPAddress'),
  maxLogonFailures: integerField(`${PREFIX}MaxLogonFailures`, 3),
  maxProtocolErrors: integerField(`${PREFIX}MaxProtocolErrors`, 5),
  tarpitIntervalMs: integerField(`${PREFIX}TarpitInterval`, 5000),
  protocolLoggingLevel: choiceField(`${PREFIX}ProtocolLoggingLevel`, PROTOCOL_LOGGING_LEVELS, 'None'),
  ...tlsFields(PREFIX),
});

/** One end of a connection that came in. */
export interface IncomingConnection {
  /** What the address that it came in at is for. */
  readonly service: Service;
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly localPort: number;
}

/** The connector that a connection falls to: of those bound where it came in, the one with the most specific range around its sender. */
export function chooseReceiveConnector<C extends ReceiveConnector>(
  connectors: readonly C[],
  connection: IncomingConnection,
): C | undefined {
  const fits = connectors
    .filter((connector) => connector.enabled && connector.submission === isSubmission(connection.service))
    .filter((connector) => isBoundTo(connector.bindings, connection))
    .map((connector) => ({ connector, size: narrowestRange(connector, connection.remoteAddress) }));
  return fits.reduce<(typeof fits)[number] | undefined>((best, candidate) => {
    if (candidate.size === undefined) return best;
    return best?.size === undefined || candidate.size < best.size ? candidate : best;
  }, undefined)?.connector;
}

function narrowestRange(connector: ReceiveConnector, address: string): bigint | undefined {
  let narrowest: bigint | undefined;
  for (const text of connector.remoteIpRanges) {
    const range = parseIpRange(text);
    if (!range || !rangeContains(range, address)) continue;
    const size = rangeSize(range);
    if (narrowest === undefined || size < narrowest) narrowest = size;
  }
  return narrowest;
}
