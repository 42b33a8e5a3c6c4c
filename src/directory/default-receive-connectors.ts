// The Receive connectors that a server makes at its first start. A hub has two on the same address: its Edge falls to the
// one for everybody, clients on the machine itself to the narrower one, which lets them send anywhere; any other sender is
// anonymous on the first and has no right there. A third serves mail users who log in, where the config listens for them.

import type { ReceiveConnector } from './receive-connector.ts';
import { DEFAULT_TLS_SETTINGS } from './tls-settings.ts';

const EVERY_ADDRESS = ['0.0.0.0-255.255.255.255', '::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'];
const LOOPBACK = ['127.0.0.0/8', '::1'];

/** What makes a connector one for mail users (exchange: usage type Client). */
export const CLIENT_PRESET = {
  submission: true,
  authMechanism: ['Tls', 'Integrated', 'BasicAuth', 'BasicAuthRequireTLS'],
  permissionGroups: ['ExchangeUsers'],
} as const satisfies Partial<ReceiveConnector>;

/** A connector with Exchange 2007's hub defaults for what is not given. */
export function makeReceiveConnector(
  given: Pick<ReceiveConnector, 'name'> & Partial<ReceiveConnector>,
): ReceiveConnector {
  return {
    enabled: true,
    submission: false,
    bindings: [],
    remoteIpRanges: EVERY_ADDRESS,
    authMechanism: ['Tls'],
    permissionGroups: [],
    extendedRights: [],
    deniedRights: [],
    requireTls: false,
    domainSecureEnabled: false,
    enableAuthGssapi: false,
    pipeliningEnabled: true,
    eightBitMimeEnabled: true,
    binaryMimeEnabled: true,
    chunkingEnabled: true,
    enhancedStatusCodesEnabled: true,
    deliveryStatusNotificationEnabled: true,
    smtpUtf8Enabled: true,
    sizeEnabled: 'Enabled',
    longAddressesEnabled: false,
    orarEnabled: false,
    maxMessageSizeBytes: 10 * 1024 * 1024,
    maxHeaderSizeBytes: 64 * 1024,
    maxRecipientsPerMessage: 200,
    maxHopCount: 30,
    maxLocalHopCount: 8,
    maxInboundConnection: 5000,
    maxInboundConnectionPerSource: 20,
    maxInboundConnectionPercentagePerSource: 2,
    connectionTimeoutMs: 600_000,
    connectionInactivityTimeoutMs: 300_000,
    messageRateSource: 'IPAddress',
    maxLogonFailures: 3,
    maxProtocolErrors: 5,
    tarpitIntervalMs: 5000,
    protocolLoggingLevel: 'None',
    ...DEFAULT_TLS_SETTINGS,
    ...given,
  };
}

/** `Default HUB01`, `Client HUB01` and `Client Frontend HUB01`. */
export function makeHubReceiveConnectors(serverName: string, bindings: readonly string[]): ReceiveConnector[] {
  const everybody = makeReceiveConnector({
    name: `Default ${serverName}`,
    bindings,
    authMechanism: ['Tls', 'Integrated', 'BasicAuth', 'BasicAuthRequireTLS', 'ExchangeServer'],
    permissionGroups: ['ExchangeUsers', 'ExchangeServers', 'ExchangeLegacyServers'],
    sizeEnabled: 'EnabledWithoutValue',
    maxRecipientsPerMessage: 5000,
    maxInboundConnectionPerSource: undefined,
    maxInboundConnectionPercentagePerSource: 100,
  });
  const clients = makeReceiveConnector({
    name: `Client ${serverName}`,
    bindings,
    remoteIpRanges: LOOPBACK,
    // ExchangeServer as well: an Edge on the same machine comes from loopback too, and must be able to prove itself.
    authMechanism: ['Tls', 'ExchangeServer'],
    permissionGroups: ['AnonymousUsers', 'ExchangeServers'],
    extendedRights: ['Ms-Exch-SMTP-Accept-Any-Recipient'],
    maxRecipientsPerMessage: 5000,
    maxInboundConnectionPerSource: undefined,
    maxInboundConnectionPercentagePerSource: 100,
  });
  // Its name is that of later Exchange versions for port 587: `Client` is taken by those who need no password.
  const users = makeReceiveConnector({ name: `Client Frontend ${serverName}`, ...CLIENT_PRESET });
  return [everybody, clients, users];
}

/** `Default internal receive connector EDGE01`. */
export function makeEdgeReceiveConnectors(serverName: string, bindings: readonly string[]): ReceiveConnector[] {
  const internal = makeReceiveConnector({
    name: `Default internal receive connector ${serverName}`,
    bindings,
    authMechanism: ['Tls', 'ExchangeServer'],
    permissionGroups: ['AnonymousUsers', 'ExchangeServers', 'Partners'],
    domainSecureEnabled: true,
    connectionTimeoutMs: 300_000,
    connectionInactivityTimeoutMs: 60_000,
    messageRateLimit: 600,
  });
  return [internal];
}
