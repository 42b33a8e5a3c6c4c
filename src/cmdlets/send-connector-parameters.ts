// The parameters that New- and Set-SendConnector share, and what they change. Which values go together is the directory's:
// send-connector-rules.ts. A login for a smart host cannot be set, so neither can the two mechanisms that need one.

import { parseAddressSpace, parseSmartHost } from '../directory/address-space.ts';
import type { OrganizationSnapshot } from '../directory/organization.ts';
import { PROTOCOL_LOGGING_LEVELS, type SendConnector } from '../directory/send-connector.ts';
import { changesOf, clearableLimit, clearableText, wholeMs } from './given-changes.ts';
import type { Arguments, Parameters } from './parameters.ts';
import { TLS_PARAMETERS, TLS_VERB, tlsChanges } from './tls-parameters.ts';
import { STORED } from './unenforced.ts';

export const SEND_CONNECTOR_PARAMETERS = {
  SmartHosts: {
    type: 'strings',
    help: 'Names or addresses that take the mail, or "--" for the subscribed site; $null for none',
  },
  DNSRoutingEnabled: {
    type: 'boolean',
    help: "Deliver to the mail exchangers of each recipient's domain (MX) instead of SmartHosts",
  },
  Port: { type: 'integer', help: 'The port of the next hop' },
  RequireTLS: { type: 'boolean', help: 'Mail waits rather than leave in clear' },
  IgnoreSTARTTLS: { type: 'boolean', help: 'Never use TLS' },
  TlsVerb: {
    ...TLS_VERB,
    help: "From Edge to Hub: XAnonymousTls uses Exchange's X-ANONYMOUSTLS where it is offered, and STARTTLS where it is not",
  },
  ...TLS_PARAMETERS,
  Enabled: { type: 'boolean', help: 'Whether mail may leave by it' },
  SourceTransportServers: {
    type: 'strings',
    help: 'The servers that mail leaves from: hubs or subscribed Edges; this server when empty',
  },
  Fqdn: { type: 'string', help: "The name said in EHLO; $null for the server's own" },
  Comment: { type: 'string', help: 'A remark' },
  MaxMessageSize: { type: 'size', help: `Largest message ${STORED}` },
  SmartHostAuthMechanism: {
    type: 'enum',
    choices: ['None', 'ExchangeServer', 'ExternalAuthoritative'],
    help: `How to authenticate to the smart hosts ${STORED}`,
  },
  DomainSecureEnabled: {
    type: 'boolean',
    help: 'Mail to a domain of TLSSendDomainSecureList waits for TLS in which both ends prove who they are; needs DNSRoutingEnabled',
  },
  ForceHELO: { type: 'boolean', help: `Say HELO instead of EHLO ${STORED}` },
  SourceIPAddress: {
    type: 'string',
    help: 'The address to send from, to next hops of its family alone; 0.0.0.0 for whichever the system chooses',
  },
  ChunkingEnabled: { type: 'boolean', help: 'Send by BDAT where the next hop offers CHUNKING, instead of DATA' },
  ConnectionInactivityTimeOut: { type: 'duration', help: `When an idle connection is closed ${STORED}` },
  SmtpMaxMessagesPerConnection: {
    type: 'integer',
    help: 'Messages over one connection to a smart host or mail exchanger; 0 sets no limit',
  },
  ProtocolLoggingLevel: {
    type: 'enum',
    choices: PROTOCOL_LOGGING_LEVELS,
    help: `What goes into the protocol log ${STORED}`,
  },
  UseExternalDNSServersEnabled: { type: 'boolean', help: `Ask the external name servers ${STORED}` },
  IsScopedConnector: { type: 'boolean', help: `Only for hubs of its own site ${STORED}` },
  LinkedReceiveConnector: { type: 'string', help: `The Receive connector whose mail leaves here ${STORED}` },
} as const satisfies Parameters;

export const ADDRESS_SPACES_HELP =
  'What it serves, as Type:Space;Cost: "SMTP:*;100", "*.contoso.com;5", contoso.com, or "--"';

type Given = Arguments<typeof SEND_CONNECTOR_PARAMETERS> & { readonly AddressSpaces?: readonly string[] | undefined };

/** The changes that were asked for. Throws Problem `bad-address-space` or `bad-smart-host`. */
export function sendConnectorChanges(given: Given, snapshot: OrganizationSnapshot): Partial<SendConnector> {
  return changesOf<SendConnector>({
    addressSpaces: given.AddressSpaces?.map(parseAddressSpace),
    smartHosts: given.SmartHosts?.map(parseSmartHost),
    dnsRoutingEnabled: given.DNSRoutingEnabled,
    port: given.Port,
    requireTls: given.RequireTLS,
    ignoreStartTls: given.IgnoreSTARTTLS,
    enabled: given.Enabled,
    sourceTransportServers: given.SourceTransportServers?.map((source) => spellServer(snapshot, source)),
    fqdn: clearableText(given.Fqdn),
    comment: clearableText(given.Comment),
    maxMessageSizeBytes: clearableLimit(given.MaxMessageSize),
    smartHostAuthMechanism: given.SmartHostAuthMechanism,
    domainSecureEnabled: given.DomainSecureEnabled,
    forceHelo: given.ForceHELO,
    sourceIpAddress: given.SourceIPAddress,
    chunkingEnabled: given.ChunkingEnabled,
    connectionInactivityTimeoutMs: wholeMs(given.ConnectionInactivityTimeOut),
    smtpMaxMessagesPerConnection: given.SmtpMaxMessagesPerConnection,
    protocolLoggingLevel: given.ProtocolLoggingLevel,
    useExternalDnsServersEnabled: given.UseExternalDNSServersEnabled,
    isScopedConnector: given.IsScopedConnector,
    linkedReceiveConnector: clearableText(given.LinkedReceiveConnector),
    ...tlsChanges(given),
  });
}

/** NetBIOS name as the directory spells it, for a NetBIOS name or an FQDN; what is unknown is left for the rules to refuse. */
function spellServer({ servers }: OrganizationSnapshot, source: string): string {
  const wanted = source.toLowerCase();
  return servers.find(({ name, fqdn }) => [name.toLowerCase(), fqdn.toLowerCase()].includes(wanted))?.name ?? source;
}
