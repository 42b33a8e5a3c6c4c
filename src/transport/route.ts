// Which hop a recipient goes to: pure. On a hub, accepted mail goes to the mailboxes and everything else to a subscribed Edge
// by the hidden intra-organization connector; on an Edge, accepted mail goes to the hubs by the `--` connector and everything
// else by the closest address space, cheapest first. Where DNS routes, each domain is a hop of its own (exchange: one
// DnsConnectorDelivery queue for each).

import { findAcceptedDomain } from '../directory/accepted-domain.ts';
import { normalizeDomainName } from '../directory/domain-name.ts';
import type { SendConnector } from '../directory/send-connector.ts';
import { DEFAULT_TLS_SETTINGS, type TlsSettings, tlsSettingsOf } from '../directory/tls-settings.ts';
import { intraOrgTls, isListed } from '../directory/transport-config.ts';
import type { DeliveryTarget } from '../config.ts';
import { stanceOf } from '../trust/policies.ts';
import type { StartTlsStance } from '../trust/tls-policy.ts';
import { type Hop, unreachableHop } from './hop.ts';
import type { Organisation } from './organisation.ts';

/** What Exchange's logs call the connector that no cmdlet shows. */
export const INTRA_ORG_CONNECTOR = 'Intra-Organization SMTP Send Connector';

const SMTP_PORT = 25;
/** In SourceIPAddress: whichever the system chooses. */
const ANY_ADDRESS = ['0.0.0.0', '::'];

/** The hop for one recipient address. */
export function routeRecipient(organisation: Organisation, target: DeliveryTarget | undefined, address: string): Hop {
  const written = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
  // Address spaces are kept as A-labels.
  const domain = normalizeDomainName(written) ?? written;
  const accepted = findAcceptedDomain(organisation.acceptedDomains, domain);
  const isOurs = accepted !== undefined && accepted.domainType !== 'ExternalRelay';
  if (organisation.role === 'edge') return routeOnEdge(organisation, domain, isOurs);
  return isOurs ? routeToMailbox(target) : routeOnHub(organisation, domain);
}

function routeToMailbox(target: DeliveryTarget | undefined): Hop {
  if (!target)
    return unreachableHop('No delivery target is set for accepted domains: add "deliver" to the config of this hub');
  const place = target.kind === 'maildir' ? target.folder : `${target.host}:${target.port}`;
  const common = {
    deliveryType: 'SmtpDeliveryToMailbox',
    nextHopDomain: place,
    connector: 'Mailbox delivery',
  } as const;
  return { ...common, kind: 'mailbox', key: `mailbox:${target.kind}:${place}`, target };
}

/** A connector whose source is an Edge is reached through that Edge; one whose source is this hub leaves from here. */
function routeOnHub(organisation: Organisation, domain: string): Hop {
  const connector = chooseSendConnector(organisation.sendConnectors, domain);
  if (!connector) return unreachableHop('A matching connector cannot be found to route the external recipient');
  const edges = organisation.peers.filter((peer) => isSource(connector, peer.name));
  if (edges.length === 0) {
    // An Edge that is no member of the pair (any more) is waited for: its mail must not leave from here instead.
    if (isSource(connector, organisation.netbiosName)) return routeByConnector(organisation, connector, domain);
    return unreachableHop(explainSources(organisation, connector));
  }
  const { intraOrgIgnoreStartTls, intraOrgRequireTls } = organisation.transportConfig;
  return {
    kind: 'pair',
    key: `edge:${connector.guid}`,
    deliveryType: 'SmtpRelayWithinAdSiteToEdge',
    nextHopDomain: connector.name,
    connector: INTRA_ORG_CONNECTOR,
    peers: edges,
    stance: stanceOf({ ignoreStartTls: intraOrgIgnoreStartTls, requireTls: intraOrgRequireTls }),
    tls: pairTls(organisation),
    port: SMTP_PORT,
  };
}

/** Hubs of one site pass no mail to each other: whoever is to send by a connector is among its sources. */
function explainSources(
  { netbiosName, siteHubs }: Organisation,
  { name, sourceTransportServers }: SendConnector,
): string {
  const hubs = sourceTransportServers.filter((source) => siteHubs.some((hub) => isSameName(hub, source)));
  if (hubs.length === 0) return `No subscribed Edge is a source of "${name}": subscribe it again`;
  return `"${name}" leaves from ${hubs.join(', ')} alone and not from ${netbiosName}: add ${netbiosName} to its SourceTransportServers, or hand the mail in there`;
}

/** What the connector to the other members of the pair says about TLS. */
export function pairTls(organisation: Organisation): TlsSettings {
  if (organisation.role === 'hub') return intraOrgTls(organisation.transportConfig);
  return tlsSettingsOf(findInbound(organisation) ?? DEFAULT_TLS_SETTINGS);
}

/** On an Edge the connector to the hubs. */
function findInbound({ sendConnectors }: Organisation): SendConnector | undefined {
  return sendConnectors.find(
    ({ enabled, addressSpaces }) => enabled && addressSpaces.some(({ space }) => space === '--'),
  );
}

function routeOnEdge(organisation: Organisation, domain: string, isOurs: boolean): Hop {
  const enabled = organisation.sendConnectors.filter((connector) => connector.enabled);
  const inbound = findInbound(organisation);
  if (isOurs && inbound) return routeToHubs(organisation, inbound);
  // Without its inbound connector an Edge must not send the organisation's own mail back to the Internet: only a connector
  // that names the domain may take it.
  const connectors = isOurs ? enabled.filter(namesMoreThanEverything) : enabled;
  const connector = chooseSendConnector(connectors, domain);
  if (!connector) return unreachableHop('A matching connector cannot be found to route the recipient');
  return routeByConnector(organisation, connector, domain);
}

function namesMoreThanEverything({ addressSpaces }: SendConnector): boolean {
  return !addressSpaces.some(({ space }) => space === '*');
}

function routeToHubs(organisation: Organisation, connector: SendConnector): Hop {
  return {
    kind: 'pair',
    key: `hubs:${connector.guid}`,
    deliveryType: 'SmartHostConnectorDelivery',
    nextHopDomain: organisation.peers.map((peer) => peer.fqdn).join(';') || '--',
    connector: connector.name,
    peers: organisation.peers,
    ...waysOf(connector),
    port: connector.port,
  };
}

/** How it sends, to whomever. */
function waysOf(
  connector: SendConnector,
): Pick<Hop, 'tls' | 'sourceAddress' | 'chunking'> & { stance: StartTlsStance } {
  const { ignoreStartTls, requireTls, chunkingEnabled, sourceIpAddress } = connector;
  const isAnywhere = ANY_ADDRESS.includes(sourceIpAddress);
  return {
    stance: stanceOf({ ignoreStartTls, requireTls }),
    tls: tlsSettingsOf(connector),
    ...(chunkingEnabled && { chunking: true }),
    ...(!isAnywhere && { sourceAddress: sourceIpAddress }),
  };
}

function routeByConnector(organisation: Organisation, connector: SendConnector, domain: string): Hop {
  const { guid, smartHosts, port, smtpMaxMessagesPerConnection: maxMessages } = connector;
  const common = {
    connector: connector.name,
    // 0 means without a limit.
    ...(maxMessages > 0 && { maxMessagesPerConnection: maxMessages }),
    ...waysOf(connector),
    port,
    name: connector.fqdn ?? organisation.fqdn,
  };
  if (smartHosts.length > 0) {
    const nextHopDomain = smartHosts.join(';');
    const key = `connector:${guid}`;
    return {
      ...common,
      kind: 'smart-host',
      key,
      deliveryType: 'SmartHostConnectorDelivery',
      nextHopDomain,
      hosts: smartHosts,
    };
  }
  if (!connector.dnsRoutingEnabled) {
    return unreachableHop(`"${connector.name}" has neither SmartHosts nor DNSRoutingEnabled: set one of them`);
  }
  const key = `dns:${guid}:${domain}`;
  const isSecured =
    connector.domainSecureEnabled && isListed(organisation.transportConfig.tlsSendDomainSecureList, domain);
  const stance = isSecured ? 'domain-secure' : common.stance;
  return { ...common, stance, kind: 'dns', key, deliveryType: 'DnsConnectorDelivery', nextHopDomain: domain, domain };
}

/** Closest address space first, then lowest cost (exchange: "closest match, then lowest cost"), then the name. */
export function chooseSendConnector(connectors: readonly SendConnector[], domain: string): SendConnector | undefined {
  const fits = connectors
    .filter((connector) => connector.enabled)
    .flatMap((connector) =>
      connector.addressSpaces.map((space) => ({
        connector,
        cost: space.cost,
        closeness: closenessOf(space.space, domain),
      })),
    )
    .filter(({ closeness }) => closeness > 0);
  fits.sort((a, b) => b.closeness - a.closeness || a.cost - b.cost || (a.connector.name < b.connector.name ? -1 : 1));
  return fits[0]?.connector;
}

/** 0: does not match. A whole name beats every wildcard, a longer wildcard a shorter one, and `*` matches last. */
function closenessOf(space: string, domain: string): number {
  const pattern = space.toLowerCase();
  if (pattern === domain) return 1000;
  if (pattern === '*') return 1;
  return pattern.startsWith('*.') && domain.endsWith(pattern.slice(1)) ? pattern.length : 0;
}

function isSource(connector: SendConnector, serverName: string): boolean {
  return connector.sourceTransportServers.some((source) => isSameName(source, serverName));
}

function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
