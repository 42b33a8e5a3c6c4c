// Send connectors: where mail leaves to and how (exchange 2007: Set-SendConnector, with SmtpMaxMessagesPerConnection and
// Comment). Kept in AD under CN=Connections and carried to the Edge. Which values go together is send-connector-rules.ts;
// the hidden intra-organization connector is none of these and has its two switches in transport-config.ts.

import { randomUUID } from 'node:crypto';
import { type AddressSpace, formatAddressSpace, parseAddressSpace, SUBSCRIBED_SITE } from './address-space.ts';
import {
  choiceField,
  flagField,
  integerField,
  listField,
  optional,
  optionalInteger,
  optionalText,
  requiredText,
  textListField,
} from './attribute-field.ts';
import { formatSealedLogin, parseSealedLogin, type SealedLogin } from './sealed-login.ts';
import { DEFAULT_TLS_SETTINGS, tlsFields, type TlsSettings } from './tls-settings.ts';
import { defineView, type View } from './view.ts';

export const SMART_HOST_AUTH_MECHANISMS = [
  'None',
  'BasicAuth',
  'BasicAuthRequireTLS',
  'ExchangeServer',
  'ExternalAuthoritative',
] as const;
export type SmartHostAuthMechanism = (typeof SMART_HOST_AUTH_MECHANISMS)[number];

export const PROTOCOL_LOGGING_LEVELS = ['None', 'Verbose'] as const;
export type ProtocolLoggingLevel = (typeof PROTOCOL_LOGGING_LEVELS)[number];

export interface SendConnector extends TlsSettings {
  readonly name: string;
  /** The same in both directories, and when renamed. */
  readonly guid: string;
  readonly enabled: boolean;
  readonly comment?: string | undefined;
  readonly addressSpaces: readonly AddressSpace[];
  /** NetBIOS names of the servers it leaves from; on an Edge its own. */
  readonly sourceTransportServers: readonly string[];
  readonly dnsRoutingEnabled: boolean;
  /** Names, bracketed addresses, or `--`; empty with DNS routing. */
  readonly smartHosts: readonly string[];
  readonly port: number;
  readonly smartHostAuthMechanism: SmartHostAuthMechanism;
  readonly authenticationCredential?: SealedLogin | undefined;
  readonly ignoreStartTls: boolean;
  readonly requireTls: boolean;
  readonly domainSecureEnabled: boolean;
  /** Name in EHLO; the server's own when absent. */
  readonly fqdn?: string | undefined;
  readonly forceHelo: boolean;
  /** An address of the machine that it leaves from, which the next hop's must be of one family with; 0.0.0.0 or :: for any. */
  readonly sourceIpAddress: string;
  /** Messages go by BDAT (RFC 3030) to whoever offers it. */
  readonly chunkingEnabled: boolean;
  readonly connectionInactivityTimeoutMs: number;
  readonly smtpMaxMessagesPerConnection: number;
  /** Undefined: unlimited. */
  readonly maxMessageSizeBytes?: number | undefined;
  readonly protocolLoggingLevel: ProtocolLoggingLevel;
  readonly useExternalDnsServersEnabled: boolean;
  readonly isScopedConnector: boolean;
  readonly linkedReceiveConnector?: string | undefined;
}

export const sendConnectorView: View<SendConnector> = defineView('Send connector', 'msExchRoutingSMTPConnector', {
  name: requiredText('cn'),
  guid: requiredText('msExchConnectorGuid'),
  enabled: flagField('msExchSmtpSendEnabled', true),
  comment: optionalText('adminDescription'),
  addressSpaces: listField('routingList', { format: formatAddressSpace, parse: parseAddressSpace }),
  sourceTransportServers: textListField('msExchSourceTransportServers'),
  dnsRoutingEnabled: flagField('msExchSmtpSendDnsRoutingEnabled', true),
  smartHosts: textListField('msExchSmtpSmartHost'),
  port: integerField('msExchSmtpSendPort', 25),
  smartHostAuthMechanism: choiceField('msExchSmtpSendAuthMechanism', SMART_HOST_AUTH_MECHANISMS, 'None'),
  authenticationCredential: optional('msExchSmtpSendAuthCredential', 'exact', {
    format: formatSealedLogin,
    parse: parseSealedLogin,
  }),
  ignoreStartTls: flagField('msExchSmtpSendIgnoreSTARTTLS', false),
  requireTls: flagField('msExchSmtpSendRequireTLS', false),
  domainSecureEnabled: flagField('msExchSmtpSendDomainSecureEnabled', false),
  fqdn: optionalText('msExchSMTPSendConnectorFQDN'),
  forceHelo: flagField('msExchSmtpSendForceHELO', false),
  sourceIpAddress: requiredText('msExchSmtpSendBindingIPAddress'),
  chunkingEnabled: flagField('msExchSmtpSendChunkingEnabled', false),
  connectionInactivityTimeoutMs: integerField('msExchSmtpSendConnectionTimeout', 600_000),
  smtpMaxMessagesPerConnection: integerField('msExchSmtpMaxMessagesPerConnection', 20),
  maxMessageSizeBytes: optionalInteger('delivContLength'),
  protocolLoggingLevel: choiceField('msExchSmtpSendProtocolLoggingLevel', PROTOCOL_LOGGING_LEVELS, 'None'),
  useExternalDnsServersEnabled: flagField('msExchSmtpSendUseExternalDns', false),
  isScopedConnector: flagField('msExchSmtpSendIsScoped', false),
  linkedReceiveConnector: optionalText('msExchSmtpSendLinkedReceiveConnector'),
  ...tlsFields('msExchSmtpSend'),
});

/** A connector with Exchange 2007's defaults for what is not given. */
export function makeSendConnector(given: Pick<SendConnector, 'name'> & Partial<SendConnector>): SendConnector {
  return {
    guid: randomUUID(),
    enabled: true,
    addressSpaces: [],
    sourceTransportServers: [],
    // Naming smart hosts is choosing against DNS; saying both is refused by validateSendConnector.
    dnsRoutingEnabled: (given.smartHosts ?? []).length === 0,
    smartHosts: [],
    port: 25,
    smartHostAuthMechanism: 'None',
    ignoreStartTls: false,
    requireTls: false,
    domainSecureEnabled: false,
    forceHelo: false,
    sourceIpAddress: '0.0.0.0',
    chunkingEnabled: false,
    connectionInactivityTimeoutMs: 600_000,
    smtpMaxMessagesPerConnection: 20,
    maxMessageSizeBytes: 10 * 1024 * 1024,
    protocolLoggingLevel: 'None',
    useExternalDnsServersEnabled: false,
    isScopedConnector: false,
    ...DEFAULT_TLS_SETTINGS,
    ...given,
  };
}

/** `EdgeSync - <Site> to Internet`, which a subscription makes; a second Edge of the site joins it. */
export function makeInternetSendConnector(site: string, edgeName: string): SendConnector {
  return makeSendConnector({
    name: internetConnectorName(site),
    addressSpaces: [{ type: 'SMTP', space: '*', cost: 100 }],
    sourceTransportServers: [edgeName],
    domainSecureEnabled: true,
  });
}

/** `EdgeSync - Inbound to <Site>`, which a subscription makes: from the Edge to every hub of the site. */
export function makeInboundSendConnector(site: string, edgeName: string): SendConnector {
  return makeSendConnector({
    name: inboundConnectorName(site),
    addressSpaces: [{ type: 'SMTP', space: SUBSCRIBED_SITE, cost: 1 }],
    sourceTransportServers: [edgeName],
    smartHosts: [SUBSCRIBED_SITE],
    smartHostAuthMechanism: 'ExchangeServer',
    maxMessageSizeBytes: undefined,
  });
}

function internetConnectorName(site: string): string {
  return `EdgeSync - ${site} to Internet`;
}

function inboundConnectorName(site: string): string {
  return `EdgeSync - Inbound to ${site}`;
}
