// What an administrator's change to connectors, domains or configuration comes to in operations, with every rule that it must
// keep. Pure, the same for AD and ADAM; whether the change may be made there at all has been asked before.

import type { LdapOperation } from '../ldap/entry.ts';
import { Problem } from '../problem.ts';
import {
  type AcceptedDomain,
  acceptedDomainView,
  settleDefaultDomain,
  validateAcceptedDomains,
} from './accepted-domain.ts';
import { type DirectoryAccount, directoryAccountView, refuseSharedAccountCertificate } from './directory-account.ts';
import {
  type EdgeSyncServiceConfig,
  edgeSyncServiceConfigView,
  validateEdgeSyncServiceConfig,
} from './edge-sync-service-config.ts';
import { diffEntries } from './entry-diff.ts';
import { type Layout, receiveConnectorsDn, siteDn } from './layout.ts';
import { isSameName, type OrganizationSnapshot } from './organization.ts';
import { type ReceiveConnector, receiveConnectorView } from './receive-connector.ts';
import { validateReceiveConnector, validateReceiveConnectors } from './receive-connector-rules.ts';
import { type SendConnector, sendConnectorView } from './send-connector.ts';
import { validateSendConnector } from './send-connector-rules.ts';
import { planAdd, planRemove, planReplace, requireObject, type Shelf } from './shelf.ts';
import { type TransportConfig, transportConfigView, validateTransportConfig } from './transport-config.ts';
import { refuseSharedCertificate, type TransportServer, transportServerView } from './transport-server.ts';

/** What is there and where it stands. */
export interface Scene {
  readonly snapshot: OrganizationSnapshot;
  readonly layout: Layout;
}

export function sendConnectorShelf({ snapshot, layout }: Scene): Shelf<SendConnector> {
  return { view: sendConnectorView, parent: layout.connections, objects: snapshot.sendConnectors };
}

export function serverShelf({ snapshot, layout }: Scene): Shelf<TransportServer> {
  return { view: transportServerView, parent: layout.servers, objects: snapshot.servers };
}

function directoryAccountShelf({ snapshot, layout }: Scene): Shelf<DirectoryAccount> {
  return { view: directoryAccountView, parent: layout.directoryAccounts, objects: snapshot.directoryAccounts };
}

/** Throws Problem `already-exists` or `certificate-on-two-accounts`. */
export function planDirectoryAccount(scene: Scene, account: DirectoryAccount): LdapOperation[] {
  const shelf = directoryAccountShelf(scene);
  refuseSharedAccountCertificate(account, shelf.objects);
  return planAdd(shelf, account);
}

/** Throws Problem `not-found`. */
export function planDirectoryAccountRemoval(scene: Scene, name: string): LdapOperation[] {
  return planRemove(directoryAccountShelf(scene), name);
}

export function receiveConnectorShelf({ snapshot, layout }: Scene): Shelf<ReceiveConnector> {
  const parent = receiveConnectorsDn(layout, snapshot.self.name);
  return { view: receiveConnectorView, parent, objects: snapshot.receiveConnectors };
}

/** Without a name it is new. Sources that are not given are this server. Throws Problem, see send-connector-rules.ts. */
export function planSendConnector(scene: Scene, given: SendConnector, name?: string): LdapOperation[] {
  const { snapshot } = scene;
  const sources = given.sourceTransportServers.length === 0 ? [snapshot.self.name] : given.sourceTransportServers;
  const connector = { ...given, sourceTransportServers: sources };
  validateSendConnector(connector, {
    isSourcedOnEdge: sources.every((source) => roleOf(snapshot, source) === 'EdgeTransport'),
  });
  return name === undefined
    ? planAdd(sendConnectorShelf(scene), connector)
    : planReplace(sendConnectorShelf(scene), name, connector);
}

function roleOf(snapshot: OrganizationSnapshot, serverName: string): TransportServer['role'] {
  const server = snapshot.servers.find(({ name }) => isSameName(name, serverName));
  if (server) return server.role;
  throw new Problem('not-found', `there is no server "${serverName}" for SourceTransportServers`);
}

/** Throws Problem `not-found`. */
export function planSendConnectorRemoval(scene: Scene, name: string): LdapOperation[] {
  return planRemove(sendConnectorShelf(scene), name);
}

/** Without a name it is new. Throws Problem, see receive-connector-rules.ts. */
export function planReceiveConnector(scene: Scene, connector: ReceiveConnector, name?: string): LdapOperation[] {
  const { self, receiveConnectors } = scene.snapshot;
  validateReceiveConnector(connector, { netbiosName: self.name, fqdn: self.fqdn });
  const others = receiveConnectors.filter((other) => name === undefined || !isSameName(other.name, name));
  validateReceiveConnectors([connector, ...others]);
  const shelf = receiveConnectorShelf(scene);
  return name === undefined ? planAdd(shelf, connector) : planReplace(shelf, name, connector);
}

/** Throws Problem `not-found`. */
export function planReceiveConnectorRemoval(scene: Scene, name: string): LdapOperation[] {
  return planRemove(receiveConnectorShelf(scene), name);
}

/** Without a name it is new. Keeps exactly one default. Throws Problem `domain-twice`, `default-domain` and a shelf's. */
export function planAcceptedDomain(scene: Scene, domain: AcceptedDomain, name?: string): LdapOperation[] {
  const { snapshot } = scene;
  const before = name === undefined ? undefined : requireObject(acceptedDomainShelf(scene), name);
  const others = snapshot.acceptedDomains.filter((other) => other.name !== before?.name);
  validateAcceptedDomains([...others, domain]);
  if (before?.default === true && !domain.default && others.length > 0) {
    throw new Problem(
      'default-domain',
      `"${before.name}" is the default accepted domain; make another one the default instead`,
    );
  }
  const settled = settleDefaultDomain([...others, domain], { preferred: domain });
  const own = settled.at(-1) ?? domain;
  const shelf = acceptedDomainShelf(scene);
  return [
    ...(name === undefined ? planAdd(shelf, own) : planReplace(shelf, name, own)),
    ...settled.slice(0, -1).flatMap((other) => planReplace(shelf, other.name, other)),
  ];
}

/** Throws Problem `not-found`, or `default-domain` while there are others. */
export function planAcceptedDomainRemoval(scene: Scene, name: string): LdapOperation[] {
  const shelf = acceptedDomainShelf(scene);
  const removed = requireObject(shelf, name);
  const others = shelf.objects.filter((domain) => domain !== removed);
  settleDefaultDomain(others, { removed });
  return planRemove(shelf, name);
}

export function acceptedDomainShelf({ snapshot, layout }: Scene): Shelf<AcceptedDomain> {
  return { view: acceptedDomainView, parent: layout.acceptedDomains, objects: snapshot.acceptedDomains };
}

/** Throws Problem `bad-transport-config`. */
export function planTransportConfig({ snapshot, layout }: Scene, config: TransportConfig): LdapOperation[] {
  validateTransportConfig(config);
  const [current, wanted] = [snapshot.transportConfig, config].map((value) =>
    transportConfigView.toEntry(value, layout.organization),
  );
  return current && wanted ? diffEntries([current], [wanted]) : [];
}

/** Throws Problem `not-found`. */
export function requireServer(scene: Scene, name: string): TransportServer {
  return requireObject(serverShelf(scene), name);
}

/** Of the own server's site. Throws Problem `bad-edge-sync-config`. */
export function planEdgeSyncServiceConfig({ snapshot, layout }: Scene, config: EdgeSyncServiceConfig): LdapOperation[] {
  validateEdgeSyncServiceConfig(config);
  const parent = siteDn(layout, snapshot.site);
  const [current, wanted] = [snapshot.edgeSyncServiceConfig, config].map((value) =>
    edgeSyncServiceConfigView.toEntry(value, parent),
  );
  return current && wanted ? diffEntries([current], [wanted]) : [];
}

/** Throws Problem `not-found` or `certificate-on-two-servers`. */
export function planServer(scene: Scene, name: string, changes: Partial<TransportServer>): LdapOperation[] {
  const shelf = serverShelf(scene);
  const next = { ...requireObject(shelf, name), ...changes };
  refuseSharedCertificate(scene.snapshot.servers, next);
  return planReplace(shelf, name, next);
}
