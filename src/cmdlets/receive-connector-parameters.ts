// The parameters that New- and Set-ReceiveConnector share, and what they change. Which values go together is the directory's:
// receive-connector-rules.ts.

import { isIP } from 'node:net';
import { type Endpoint, parseEndpoint } from '../config.ts';
import { normalizeBinding } from '../directory/binding.ts';
import {
  AUTH_MECHANISMS,
  MESSAGE_RATE_SOURCES,
  type ReceiveConnector,
  rightsOf,
  SIZE_OFFERS,
} from '../directory/receive-connector.ts';
import { EXTENDED_RIGHTS, PERMISSION_GROUPS } from '../directory/receive-rights.ts';
import { PROTOCOL_LOGGING_LEVELS } from '../directory/send-connector.ts';
import { Problem } from '../problem.ts';
import { changesOf, clearableLimit, clearableText, finiteSize, type GivenChanges, wholeMs } from './given-changes.ts';
import type { Arguments, Parameters } from './parameters.ts';
import { TLS_PARAMETERS, TLS_VERB, tlsChanges, weakTlsWarnings } from './tls-parameters.ts';
import { STORED } from './unenforced.ts';

const NUMBER = { type: 'integer', minimum: 0, maximum: 2_147_483_647 } as const;
const LIMIT = { ...NUMBER, type: 'count', minimum: 1 } as const;

export const RECEIVE_CONNECTOR_PARAMETERS = {
  Bindings: {
    type: 'strings',
    help: 'Addresses and ports such as 0.0.0.0:25 or [::]:25; $null for all that the config names',
  },
  RemoteIPRanges: {
    type: 'strings',
    help: 'Whom it serves: addresses, 192.0.2.0/24 or 192.0.2.1-192.0.2.9; the narrowest connector wins',
  },
  AuthMechanism: {
    type: 'enums',
    choices: [...AUTH_MECHANISMS, 'None'],
    help: 'Tls offers STARTTLS, ExchangeServer lets the pair prove itself, BasicAuth lets mail users log in (PLAIN, LOGIN), under TLS alone with BasicAuthRequireTLS, ExternalAuthoritative trusts its ranges; Integrated is stored, not offered in this release',
  },
  PermissionGroups: { type: 'enums', choices: [...PERMISSION_GROUPS, 'None'], help: 'Who may hand in mail' },
  ExtendedRights: {
    type: 'enums',
    choices: EXTENDED_RIGHTS,
    help: 'What the anonymous may do beyond their group, as Add-ADPermission gives it; $null for nothing',
  },
  DeniedRights: {
    type: 'enums',
    choices: EXTENDED_RIGHTS,
    help: 'What the anonymous may not do although their group may, such as Ms-Exch-SMTP-Accept-Authoritative-Domain-Sender; $null for nothing',
  },
  RequireTLS: { type: 'boolean', help: 'Refuse mail in clear' },
  TlsVerb: {
    ...TLS_VERB,
    help: "XAnonymousTls offers the pair Exchange's X-ANONYMOUSTLS, with the certificate of direct trust; STARTTLS is then for everybody else and asks for no certificate",
  },
  ...TLS_PARAMETERS,
  Enabled: { type: 'boolean', help: 'Whether it serves anybody' },
  Fqdn: { type: 'string', help: "The name said in greeting and TLS; $null for the server's own" },
  Banner: { type: 'string', help: 'The greeting, which begins with "220 "; $null for the usual one' },
  Comment: { type: 'string', help: 'A remark' },
  MaxMessageSize: { type: 'size', help: 'Largest message' },
  MaxHopCount: { type: 'integer', help: 'Received fields from which on a message counts as looping' },
  MaxRecipientsPerMessage: { type: 'integer', help: 'Recipients of one message; limits.maxRecipients holds besides' },
  MaxHeaderSize: { type: 'size', help: 'Largest header; a larger one ends the connection' },
  MaxLocalHopCount: {
    type: 'integer',
    help: 'Received fields of this server itself from which on a message counts as looping; 0 never',
  },
  MaxProtocolErrors: { ...NUMBER, help: 'Errors after which a client is cut off; 0 never' },
  MaxLogonFailures: { ...NUMBER, help: 'Failed authentications after which a client is cut off; 0 never' },
  MaxInboundConnection: { type: 'integer', help: 'Connections at a time' },
  MaxInboundConnectionPerSource: {
    ...LIMIT,
    help: 'Connections at a time from one address, in IPv6 from one network of 64 bits',
  },
  MaxInboundConnectionPercentagePerSource: {
    type: 'integer',
    help: 'Connections at a time from one address in percent of those left, at least one',
  },
  MessageRateLimit: { ...LIMIT, help: 'Messages a minute from one source; members of the pair are not counted' },
  MessageRateSource: {
    type: 'enum',
    choices: MESSAGE_RATE_SOURCES,
    help: 'What a source is: the address, the user who logged in or else the sender, or either; None counts nothing',
  },
  ConnectionTimeout: {
    type: 'duration',
    help: 'When a connection is closed even while in use; a member of the pair may finish its message',
  },
  ConnectionInactivityTimeout: { type: 'duration', help: 'Longest wait for the next whole command' },
  TarpitInterval: {
    type: 'duration',
    help: 'Delay of the answer to a failed log-in, and to strangers whose sender or recipient is refused with 550',
  },
  ProtocolLoggingLevel: {
    type: 'enum',
    choices: PROTOCOL_LOGGING_LEVELS,
    help: `What goes into the protocol log ${STORED}`,
  },
  DomainSecureEnabled: {
    type: 'boolean',
    help: 'Senders in a domain of TLSReceiveDomainSecureList must prove it by a certificate in TLS',
  },
  SizeEnabled: { type: 'enum', choices: SIZE_OFFERS, help: 'How SIZE is offered; MaxMessageSize holds in any case' },
  PipeliningEnabled: { type: 'boolean', help: 'Whether PIPELINING is offered' },
  EightBitMimeEnabled: { type: 'boolean', help: 'Whether 8BITMIME is offered' },
  ChunkingEnabled: { type: 'boolean', help: 'Whether CHUNKING is offered' },
  BinaryMimeEnabled: { type: 'boolean', help: 'Whether BINARYMIME is offered; needs ChunkingEnabled' },
  DeliveryStatusNotificationEnabled: { type: 'boolean', help: 'Whether DSN is offered' },
  EnhancedStatusCodesEnabled: { type: 'boolean', help: 'Whether ENHANCEDSTATUSCODES is offered and said' },
  SmtpUtf8Enabled: { type: 'boolean', help: 'Whether SMTPUTF8 is offered' },
} as const satisfies Parameters;

type Given = Arguments<typeof RECEIVE_CONNECTOR_PARAMETERS>;

/** The changes that were asked for. Throws Problem `bad-value` for None beside others. */
export function receiveConnectorChanges(given: Given): Partial<ReceiveConnector> {
  return changesOf<ReceiveConnector>({
    bindings: given.Bindings?.map((text) => normalizeBinding(text) ?? text),
    remoteIpRanges: given.RemoteIPRanges,
    authMechanism: withoutNone('AuthMechanism', given.AuthMechanism),
    permissionGroups: withoutNone('PermissionGroups', given.PermissionGroups),
    extendedRights: given.ExtendedRights && [...new Set(given.ExtendedRights)],
    deniedRights: given.DeniedRights && [...new Set(given.DeniedRights)],
    requireTls: given.RequireTLS,
    enabled: given.Enabled,
    fqdn: clearableText(given.Fqdn),
    banner: clearableText(given.Banner),
    comment: clearableText(given.Comment),
    maxMessageSizeBytes: finiteSize(given.MaxMessageSize),
    domainSecureEnabled: given.DomainSecureEnabled,
    protocolLoggingLevel: given.ProtocolLoggingLevel,
    ...tlsChanges(given),
    ...extensionChanges(given),
    ...limitChanges(given),
  });
}

function extensionChanges(given: Given): GivenChanges<ReceiveConnector> {
  return {
    sizeEnabled: given.SizeEnabled,
    pipeliningEnabled: given.PipeliningEnabled,
    eightBitMimeEnabled: given.EightBitMimeEnabled,
    chunkingEnabled: given.ChunkingEnabled,
    binaryMimeEnabled: given.BinaryMimeEnabled,
    deliveryStatusNotificationEnabled: given.DeliveryStatusNotificationEnabled,
    enhancedStatusCodesEnabled: given.EnhancedStatusCodesEnabled,
    smtpUtf8Enabled: given.SmtpUtf8Enabled,
  };
}

function limitChanges(given: Given): GivenChanges<ReceiveConnector> {
  return {
    maxHopCount: given.MaxHopCount,
    maxLocalHopCount: given.MaxLocalHopCount,
    maxRecipientsPerMessage: given.MaxRecipientsPerMessage,
    maxHeaderSizeBytes: finiteSize(given.MaxHeaderSize),
    maxProtocolErrors: given.MaxProtocolErrors,
    maxLogonFailures: given.MaxLogonFailures,
    maxInboundConnection: given.MaxInboundConnection,
    maxInboundConnectionPerSource: clearableLimit(given.MaxInboundConnectionPerSource),
    maxInboundConnectionPercentagePerSource: given.MaxInboundConnectionPercentagePerSource,
    messageRateLimit: clearableLimit(given.MessageRateLimit),
    messageRateSource: given.MessageRateSource,
    connectionTimeoutMs: wholeMs(given.ConnectionTimeout),
    connectionInactivityTimeoutMs: wholeMs(given.ConnectionInactivityTimeout),
    tarpitIntervalMs: wholeMs(given.TarpitInterval),
  };
}

function withoutNone<T extends string>(name: string, given: readonly (T | 'None')[] | undefined): T[] | undefined {
  if (given === undefined) return undefined;
  const chosen = new Set(given.filter((choice): choice is T => choice !== 'None'));
  if (chosen.size > 0 && given.includes('None')) throw new Problem('bad-value', `-${name}: None stands alone`);
  return [...chosen];
}

/** Says which of the new bindings nobody listens at yet; a removed one lets nobody in from now on. */
export function bindingNotices(changes: Partial<ReceiveConnector>, addresses: readonly Endpoint[]): readonly string[] {
  const unopened = (changes.bindings ?? []).filter((binding) => !isOpen(binding, addresses));
  return unopened.length === 0 ? [] : [`Opened at the next start of this server: ${unopened.join(', ')}.`];
}

function isOpen(binding: string, addresses: readonly Endpoint[]): boolean {
  const wanted = parseEndpoint(binding);
  return addresses.some(
    ({ host, port }) =>
      wanted !== undefined &&
      (wanted.port === 0 || wanted.port === port) &&
      isIP(host) === isIP(wanted.host) &&
      (host === wanted.host || host === '0.0.0.0' || host === '::'),
  );
}

const RIGHT_SOURCES = [
  'remoteIpRanges',
  'authMechanism',
  'permissionGroups',
  'extendedRights',
  'deniedRights',
] as const;

/** What somebody who made these changes would be surprised by. */
export function receiveConnectorWarnings(
  connector: ReceiveConnector,
  changes: Partial<ReceiveConnector>,
): readonly string[] {
  const isTouched = RIGHT_SOURCES.some((property) => changes[property] !== undefined);
  const isRelay = rightsOf(connector, 'anonymous').has('Ms-Exch-SMTP-Accept-Any-Recipient');
  return [
    ...(isTouched && isRelay
      ? [`Whoever connects from the RemoteIPRanges of "${connector.name}" may send to any domain: keep them narrow.`]
      : []),
    ...(connector.authMechanism.includes('BasicAuth') && changes.authMechanism && !hasTlsForPasswords(connector)
      ? [`Passwords may cross in clear at "${connector.name}": add BasicAuthRequireTLS to AuthMechanism.`]
      : []),
    ...(changes.tlsVerb === 'XAnonymousTls'
      ? [
          `Servers of the pair prove themselves by X-ANONYMOUSTLS alone at "${connector.name}" from now on: mail of one that uses STARTTLS waits. Set -TlsVerb XAnonymousTls on the connector "EdgeSync - Inbound to <Site>" and -IntraOrgTlsVerb in Set-TransportConfig; they use STARTTLS as long as the other side does not offer it.`,
        ]
      : []),
    ...weakTlsWarnings([connector]),
  ];
}

function hasTlsForPasswords({ authMechanism }: ReceiveConnector): boolean {
  return authMechanism.includes('BasicAuthRequireTLS');
}
