// Where things are in the tree, in AD and in ADAM alike: Exchange's containers under one naming context. Names only; what
// stands in the containers is the views' affair.

import { childDn } from '../ldap/dn.ts';

export interface Layout {
  /** `CN=Configuration,DC=contoso,DC=com` or `CN=Configuration,CN={GUID}`. */
  readonly configuration: string;
  readonly sites: string;
  readonly services: string;
  /** Accounts that administrators made, for whoever comes over LDAP. */
  readonly directoryAccounts: string;
  readonly exchange: string;
  readonly organization: string;
  readonly transportSettings: string;
  readonly acceptedDomains: string;
  /** Settings of the agents that keep unwanted mail out. */
  readonly messageHygiene: string;
  /** Send connectors. */
  readonly connections: string;
  readonly servers: string;
  /** Whom the organization takes mail for: many, and so never read as a whole with the rest. */
  readonly recipients: string;
  /** What was deleted, kept for a while so that replication hears of it, as Active Directory does. */
  readonly deletedObjects: string;
}

/** The layout under a naming context. */
export function layoutOf(namingContext: string): Layout {
  const services = childDn('CN', 'Services', namingContext);
  const exchange = childDn('CN', 'Microsoft Exchange', services);
  const organization = childDn('CN', 'First Organization', exchange);
  const transportSettings = childDn('CN', 'Transport Settings', organization);
  return {
    configuration: namingContext,
    sites: childDn('CN', 'Sites', namingContext),
    services,
    directoryAccounts: childDn('CN', 'Directory Accounts', services),
    exchange,
    organization,
    transportSettings,
    acceptedDomains: childDn('CN', 'Accepted Domains', transportSettings),
    messageHygiene: childDn('CN', 'Message Hygiene', transportSettings),
    connections: childDn('CN', 'Connections', organization),
    servers: childDn('CN', 'Servers', organization),
    recipients: childDn('CN', 'Recipients', namingContext),
    deletedObjects: childDn('CN', 'Deleted Objects', namingContext),
  };
}

export function serverDn(layout: Layout, serverName: string): string {
  return childDn('CN', serverName, layout.servers);
}

/** The object of a site in AD. */
export function siteDn(layout: Layout, site: string): string {
  return childDn('CN', site, layout.sites);
}

/** Where a server keeps its Receive connectors. */
export function receiveConnectorsDn(layout: Layout, serverName: string): string {
  return childDn('CN', 'SMTP Receive Connectors', protocolsDn(layout, serverName));
}

export function protocolsDn(layout: Layout, serverName: string): string {
  return childDn('CN', 'Protocols', serverDn(layout, serverName));
}

/** AD's naming context for a server: its domain, `CN=Configuration,DC=contoso,DC=com`. */
export function adNamingContext(serverFqdn: string): string {
  const [, ...domain] = serverFqdn.split('.');
  return ['CN=Configuration', ...domain.map((label) => `DC=${label}`)].join(',');
}

/** ADAM's naming context; the GUID is made at first start and stays. */
export function adamNamingContext(guid: string): string {
  return `CN=Configuration,CN={${guid.toUpperCase()}}`;
}
