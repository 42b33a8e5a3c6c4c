// What a directory says about the organization, as one immutable value: servers, connectors, domains, configuration. The mail
// path reads it for every decision and waits for nothing. AD and ADAM hold the same objects in the same places.

import { normalizeDn, parentDn } from '../ldap/dn.ts';
import { getValues, type LdapEntry } from '../ldap/entry.ts';
import { LdapFault, ResultCode } from '../ldap/result.ts';
import { Problem } from '../problem.ts';
import { type AcceptedDomain, acceptedDomainView } from './accepted-domain.ts';
import type { Directory } from './directory.ts';
import { type DirectoryAccount, directoryAccountView } from './directory-account.ts';
import {
  DEFAULT_EDGE_SYNC_SERVICE_CONFIG,
  type EdgeSyncServiceConfig,
  edgeSyncServiceConfigView,
} from './edge-sync-service-config.ts';
import { type EdgeSubscription, edgeSubscriptionView } from './edge-subscription.ts';
import { type Layout, receiveConnectorsDn, siteDn } from './layout.ts';
import { type ReceiveConnector, receiveConnectorView } from './receive-connector.ts';
import { type SendConnector, sendConnectorView } from './send-connector.ts';
import { DEFAULT_TRANSPORT_CONFIG, type TransportConfig, transportConfigView } from './transport-config.ts';
import { type TransportServer, transportServerView } from './transport-server.ts';
import { type Recorded, readRecord, type View } from './view.ts';

export interface OrganizationSnapshot {
  /** The server whose view this is. */
  readonly self: Recorded<TransportServer>;
  /** The site of this server; on an Edge that of its subscription, '' while it has none. */
  readonly site: string;
  /** Every server, this one among them. */
  readonly servers: readonly Recorded<TransportServer>[];
  readonly hubs: readonly Recorded<TransportServer>[];
  /** Subscribed Edges; on an Edge none. */
  readonly edges: readonly Recorded<EdgeSubscription>[];
  readonly sendConnectors: readonly Recorded<SendConnector>[];
  readonly acceptedDomains: readonly Recorded<AcceptedDomain>[];
  readonly transportConfig: Recorded<TransportConfig>;
  /** Made by administrators, for whoever comes over LDAP. */
  readonly directoryAccounts: readonly Recorded<DirectoryAccount>[];
  /** Of this server's site; the defaults on an Edge, which does not synchronize. */
  readonly edgeSyncServiceConfig: EdgeSyncServiceConfig;
  /** Of this server alone. */
  readonly receiveConnectors: readonly Recorded<ReceiveConnector>[];
}

/**
 * What the organization consists of: the naming context, its sites and its services. Recipients and deleted objects are many
 * and stay where they are. Throws LdapFault noSuchObject when there is no tree yet.
 */
export async function readTree(
  directory: Pick<Directory, 'search'>,
  layout: Layout,
  attributes: readonly string[] = ['*', '+'],
): Promise<LdapEntry[]> {
  const base = await directory.search({ base: layout.configuration, scope: 'base', attributes });
  const branches = [layout.sites, layout.services].map((branch) =>
    orNone(directory.search({ base: branch, scope: 'sub', attributes })),
  );
  return [base, ...(await Promise.all(branches))].flat();
}

/** What a search found; nothing when its base is not there. */
export async function orNone(found: Promise<LdapEntry[]>): Promise<LdapEntry[]> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof LdapFault && error.resultCode === ResultCode.noSuchObject) return [];
    throw error;
  }
}

/** The snapshot that the entries make. Throws Problem `object-unreadable`, or `server-object-missing` without the own server. */
export function readOrganization(entries: readonly LdapEntry[], layout: Layout, ownName: string): OrganizationSnapshot {
  const servers = readShelf(entries, layout.servers, transportServerView);
  const self = servers.find(({ name }) => isSameName(name, ownName));
  if (!self) {
    throw new Problem(
      'server-object-missing',
      `the directory has no object for ${ownName}: start the server again, it makes one`,
    );
  }
  return {
    self,
    site: self.site ?? '',
    servers,
    hubs: servers.filter(({ role }) => role === 'HubTransport'),
    edges: readEdges(entries, layout, servers, ownName),
    sendConnectors: readShelf(entries, layout.connections, sendConnectorView),
    acceptedDomains: readShelf(entries, layout.acceptedDomains, acceptedDomainView),
    transportConfig: readTransportConfig(entries, layout),
    directoryAccounts: readShelf(entries, layout.directoryAccounts, directoryAccountView),
    edgeSyncServiceConfig: readEdgeSyncServiceConfig(entries, layout, self.site),
    receiveConnectors: readShelf(entries, receiveConnectorsDn(layout, self.name), receiveConnectorView),
  };
}

function readEdges(
  entries: readonly LdapEntry[],
  layout: Layout,
  servers: readonly Recorded<TransportServer>[],
  ownName: string,
): Recorded<EdgeSubscription>[] {
  const edges = servers.filter(({ role, name }) => role === 'EdgeTransport' && !isSameName(name, ownName));
  const keys = new Set(edges.map(({ record }) => normalizeDn(record.dn)));
  const edgeEntries = entries.filter(({ dn }) => keys.has(normalizeDn(dn)));
  return readShelf(edgeEntries, layout.servers, edgeSubscriptionView);
}

/** The objects of one kind that stand directly in a container, by name. */
export function readShelf<T extends { readonly name: string }>(
  entries: readonly LdapEntry[],
  parent: string,
  view: View<T>,
): Recorded<T>[] {
  const parentKey = normalizeDn(parent);
  return entries
    .filter((entry) => hasClass(entry, view.objectClass) && normalizeDn(parentDn(entry.dn) ?? '') === parentKey)
    .map((entry) => view.fromEntry(entry))
    .toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

function readEdgeSyncServiceConfig(
  entries: readonly LdapEntry[],
  layout: Layout,
  site: string | undefined,
): EdgeSyncServiceConfig {
  const found = site === undefined ? [] : readShelf(entries, siteDn(layout, site), edgeSyncServiceConfigView);
  return found[0] ?? DEFAULT_EDGE_SYNC_SERVICE_CONFIG;
}

function readTransportConfig(entries: readonly LdapEntry[], layout: Layout): Recorded<TransportConfig> {
  const key = normalizeDn(layout.transportSettings);
  const entry = entries.find(({ dn }) => normalizeDn(dn) === key);
  if (entry) return transportConfigView.fromEntry(entry);
  const missing = transportConfigView.toEntry(DEFAULT_TRANSPORT_CONFIG, layout.organization);
  return { ...DEFAULT_TRANSPORT_CONFIG, record: readRecord(missing) };
}

function hasClass(entry: LdapEntry, objectClass: string): boolean {
  return getValues(entry, 'objectClass').some(
    (value) => value.toString('utf8').toLowerCase() === objectClass.toLowerCase(),
  );
}

/** The hubs of a site; one that names no site belongs to every one. */
export function hubsOfSite(
  { hubs }: Pick<OrganizationSnapshot, 'hubs'>,
  site: string | undefined,
): readonly Recorded<TransportServer>[] {
  return hubs.filter((hub) => hub.site === undefined || hub.site === site);
}

/** Server names are compared as NetBIOS does, without letter case. */
export function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
