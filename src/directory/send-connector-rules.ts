// Which settings of a Send connector go together (exchange: Set-SendConnector). Contradictions are refused here, at the
// cmdlet, so that no inner code ever meets one. One sentence a rule, Problem `bad-send-connector`.

import { isIP } from 'node:net';
import { Problem } from '../problem.ts';
import { findContradiction } from '../tls/tls-terms.ts';
import { formatAddressSpace, parseAddressSpace, parseSmartHost, SUBSCRIBED_SITE } from './address-space.ts';
import { normalizeDomainName } from './domain-name.ts';
import type { SendConnector } from './send-connector.ts';

export interface SendConnectorPlace {
  /** True when every source is an Edge: only there `--` has a meaning. */
  readonly isSourcedOnEdge: boolean;
}

interface Rule {
  readonly breaks: (connector: SendConnector, place: SendConnectorPlace) => boolean;
  readonly sentence: string;
}

const MAX_BYTES = 2_147_483_647;
const DAY_MS = 86_400_000;

const RULES: readonly Rule[] = [
  { breaks: ({ name }) => !/^[^\r\n\0]{1,64}$/.test(name), sentence: 'its name must have 1 to 64 characters' },
  {
    breaks: ({ addressSpaces }) => addressSpaces.length === 0,
    sentence: 'it needs at least one address space; add -AddressSpaces "SMTP:*;1"',
  },
  {
    breaks: ({ requireTls, ignoreStartTls }) => requireTls && ignoreStartTls,
    sentence: 'RequireTLS and IgnoreSTARTTLS contradict each other; set one of them to $false',
  },
  {
    breaks: ({ dnsRoutingEnabled, smartHosts }) => dnsRoutingEnabled && smartHosts.length > 0,
    sentence:
      'DNSRoutingEnabled and SmartHosts exclude each other; set DNSRoutingEnabled to $false or leave SmartHosts empty',
  },
  {
    breaks: ({ dnsRoutingEnabled, smartHosts }) => !dnsRoutingEnabled && smartHosts.length === 0,
    sentence: 'without DNSRoutingEnabled it needs SmartHosts',
  },
  {
    breaks: ({ domainSecureEnabled, dnsRoutingEnabled }) => domainSecureEnabled && !dnsRoutingEnabled,
    sentence: 'DomainSecureEnabled needs DNSRoutingEnabled',
  },
  {
    breaks: ({ domainSecureEnabled, ignoreStartTls }) => domainSecureEnabled && ignoreStartTls,
    sentence: 'DomainSecureEnabled and IgnoreSTARTTLS contradict each other; set one of them to $false',
  },
  {
    breaks: (connector, place) => !place.isSourcedOnEdge && namesSubscribedSite(connector),
    sentence: `"${SUBSCRIBED_SITE}" is only for a connector whose sources are Edge servers`,
  },
  {
    breaks: (connector) => connector.tlsVerb === 'XAnonymousTls' && !namesSubscribedSite(connector),
    sentence: `TlsVerb XAnonymousTls is between servers that a subscription joins, so only for the connector to "${SUBSCRIBED_SITE}"; from Hub to Edge it is -IntraOrgTlsVerb of Set-TransportConfig`,
  },
  {
    breaks: ({ smartHosts }) => smartHosts.includes(SUBSCRIBED_SITE) && smartHosts.length > 1,
    sentence: `the smart host "${SUBSCRIBED_SITE}" stands alone`,
  },
  {
    breaks: ({ smartHostAuthMechanism, authenticationCredential }) =>
      smartHostAuthMechanism.startsWith('BasicAuth') && !authenticationCredential,
    sentence: 'basic authentication needs AuthenticationCredential',
  },
  { breaks: ({ port }) => !isWithin(port, 1, 65_535), sentence: 'Port is from 1 to 65535' },
  { breaks: ({ sourceIpAddress }) => isIP(sourceIpAddress) === 0, sentence: 'SourceIPAddress must be an address' },
  {
    breaks: ({ fqdn }) => fqdn !== undefined && normalizeDomainName(fqdn) === undefined,
    sentence: 'Fqdn must be a host name, or $null for the name of the server',
  },
  {
    breaks: ({ connectionInactivityTimeoutMs }) => !isWithin(connectionInactivityTimeoutMs, 1000, DAY_MS),
    sentence: 'ConnectionInactivityTimeOut is from 00:00:01 to 1.00:00:00',
  },
  {
    breaks: ({ smtpMaxMessagesPerConnection }) => !isWithin(smtpMaxMessagesPerConnection, 0, MAX_BYTES),
    sentence: 'SmtpMaxMessagesPerConnection must not be negative',
  },
  {
    breaks: ({ maxMessageSizeBytes = 0 }) => !isWithin(maxMessageSizeBytes, 0, MAX_BYTES),
    sentence: 'MaxMessageSize is from 0 to 2147483647 bytes, or unlimited',
  },
];

/** Throws Problem `bad-send-connector`, `bad-address-space` or `bad-smart-host` for the first rule that is broken. */
export function validateSendConnector(connector: SendConnector, place: SendConnectorPlace): void {
  for (const space of connector.addressSpaces) parseAddressSpace(formatAddressSpace(space));
  for (const host of connector.smartHosts) parseSmartHost(host);
  for (const { breaks, sentence } of RULES) if (breaks(connector, place)) throw refuse(connector, sentence);
  const contradiction = findContradiction(connector);
  if (contradiction !== undefined) throw refuse(connector, contradiction);
}

function refuse({ name }: SendConnector, sentence: string): Problem {
  return new Problem('bad-send-connector', `Send connector "${name}": ${sentence}`);
}

function namesSubscribedSite({ addressSpaces, smartHosts }: SendConnector): boolean {
  return smartHosts.includes(SUBSCRIBED_SITE) || addressSpaces.some(({ space }) => space === SUBSCRIBED_SITE);
}

function isWithin(value: number, low: number, high: number): boolean {
  return Number.isSafeInteger(value) && value >= low && value <= high;
}
