// The containers that every directory starts with, the server's own object and its default Receive connectors. What is there
// already is left as it is, so this runs at every start.

import { childDn, normalizeDn } from '../ldap/dn.ts';
import { type LdapEntry, toAttributes } from '../ldap/entry.ts';
import { LdapFault, ResultCode } from '../ldap/result.ts';
import { makeEdgeReceiveConnectors, makeHubReceiveConnectors } from './default-receive-connectors.ts';
import type { Directory } from './directory.ts';
import { DEFAULT_EDGE_SYNC_SERVICE_CONFIG, edgeSyncServiceConfigView } from './edge-sync-service-config.ts';
import { toAdd } from './entry-diff.ts';
import { type Layout, layoutOf, protocolsDn, receiveConnectorsDn, siteDn } from './layout.ts';
import { orNone, readTree } from './organization.ts';
import { receiveConnectorView } from './receive-connector.ts';
import { CONTAINER_CLASS } from './schema.ts';
import { DEFAULT_TRANSPORT_CONFIG, transportConfigView } from './transport-config.ts';
import { type ServerRole, transportServerView } from './transport-server.ts';

/** The server that keeps this directory, as its config file has it. */
export interface OwnServer {
  /** NetBIOS name. */
  readonly name: string;
  readonly fqdn: string;
  readonly role: ServerRole;
  /** On an Edge absent: its subscription says it. */
  readonly site?: string;
  readonly serialNumber?: string;
  /** For the default Receive connectors; none: wherever the config listens. */
  readonly bindings?: readonly string[];
}

/** How often it is looked again for what is missing, because another server was faster. */
const MAX_ATTEMPTS = 5;

/** Makes what is missing, in one transaction. Several servers may do so at the same time. */
export async function ensureBaseTree(directory: Directory, server: OwnServer): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await addMissing(directory, server);
    } catch (error) {
      const isRace = error instanceof LdapFault && error.resultCode === ResultCode.entryAlreadyExists;
      if (!isRace || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

async function addMissing(directory: Directory, server: OwnServer): Promise<void> {
  const layout = layoutOf(directory.namingContext);
  const there = new Set((await readThere(directory, layout)).map(({ dn }) => normalizeDn(dn)));
  const own = transportServerView.toEntry({ ...ownServerObject(server) }, layout.servers);
  const isServerNew = !there.has(normalizeDn(own.dn));
  const wanted = [
    ...containers(layout, server.site),
    ...(isServerNew ? ownEntries(own, layout, server) : []),
    ...((await directory.needsPlaceholders?.()) === true ? placeholders(layout, server.name) : []),
  ];
  await directory.apply(wanted.filter(({ dn }) => !there.has(normalizeDn(dn))).map(toAdd));
}

function ownServerObject({ name, fqdn, role, site, serialNumber }: OwnServer) {
  return { name, fqdn, role, site, serialNumber, credentials: [] };
}

/** The organization, and the containers that stand beside it; of the recipients, who are many, only the placeholder. */
async function readThere(directory: Directory, layout: Layout): Promise<LdapEntry[]> {
  const attributes = ['1.1'];
  const children = directory.search({ base: layout.configuration, scope: 'one', attributes });
  const placeholder = directory.search({ base: placeholderDn(layout.recipients), scope: 'base', attributes });
  const found = [children, placeholder, readTree(directory, layout)].map(orNone);
  return (await Promise.all(found)).flat();
}

/** Parents first. */
function containers(layout: Layout, site: string | undefined): LdapEntry[] {
  return [
    container(layout.configuration),
    container(layout.sites),
    ...(site === undefined ? [] : siteEntries(siteDn(layout, site))),
    container(layout.services),
    container(layout.directoryAccounts),
    container(layout.exchange),
    container(layout.organization),
    transportConfigView.toEntry(DEFAULT_TRANSPORT_CONFIG, layout.organization),
    container(layout.acceptedDomains),
    container(layout.messageHygiene),
    container(layout.connections),
    container(layout.servers),
    container(layout.recipients),
    container(layout.deletedObjects),
  ];
}

/** A site with the settings by which its hubs synchronize its Edges. */
function siteEntries(site: string): LdapEntry[] {
  return [container(site), edgeSyncServiceConfigView.toEntry(DEFAULT_EDGE_SYNC_SERVICE_CONFIG, site)];
}

/** The server's object with what stands under it. */
function ownEntries(own: LdapEntry, layout: Layout, server: OwnServer): LdapEntry[] {
  const make = server.role === 'HubTransport' ? makeHubReceiveConnectors : makeEdgeReceiveConnectors;
  const parent = receiveConnectorsDn(layout, server.name);
  const connectors = make(server.name, server.bindings ?? []);
  return [
    own,
    container(protocolsDn(layout, server.name)),
    container(parent),
    ...connectors.map((connector) => receiveConnectorView.toEntry(connector, parent)),
  ];
}

/** One that stays in each container whose entries come and go; the Servers and Services never lose their last. */
function placeholders(layout: Layout, serverName: string): LdapEntry[] {
  const parents = [
    layout.acceptedDomains,
    layout.connections,
    layout.recipients,
    receiveConnectorsDn(layout, serverName),
  ];
  return parents.map((parent) => container(placeholderDn(parent)));
}

function placeholderDn(parent: string): string {
  return childDn('CN', 'Placeholder', parent);
}

/** The name of the entry becomes its `cn` by itself. */
function container(dn: string): LdapEntry {
  return { dn, attributes: toAttributes({ objectClass: CONTAINER_CLASS }) };
}
