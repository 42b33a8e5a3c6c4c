// What subscribing an Edge, and forgetting it, comes to in AD (exchange: New- and Remove-EdgeSubscription on a hub). Pure.

import type { LdapOperation } from '../ldap/entry.ts';
import { Problem } from '../problem.ts';
import { type RenewalState, renewalOf } from './certificate-renewal.ts';
import type { EdgeSyncCredential } from './edge-sync-credential.ts';
import { type EdgeSubscription, edgeSubscriptionView } from './edge-subscription.ts';
import { hubsOfSite, isSameName } from './organization.ts';
import { type Scene, sendConnectorShelf, serverShelf } from './organization-plans.ts';
import { makeInboundSendConnector, makeInternetSendConnector, type SendConnector } from './send-connector.ts';
import { planAdd, planRemove, planReplace, requireObject, type Shelf } from './shelf.ts';
import { hasCertificate, refuseSharedCertificate, type TransportServer } from './transport-server.ts';

export interface SubscriptionRequest {
  /** With its site. */
  readonly subscription: EdgeSubscription & { readonly site: string };
  readonly createInboundSendConnector: boolean;
  readonly createInternetSendConnector: boolean;
  /** What a hub of the site keeps on its own object for this Edge; replaces what it kept for it before. */
  readonly credentialsFor: (hub: TransportServer) => readonly EdgeSyncCredential[];
}

/** Throws Problem as ActiveDirectory.subscribe says. */
export function planSubscription(scene: Scene, request: SubscriptionRequest): LdapOperation[] {
  const { snapshot } = scene;
  const { subscription } = request;
  const before = snapshot.edges.find(({ name }) => isSameName(name, subscription.name));
  refuseStale(before, subscription);
  refuseForeignName(scene, subscription);
  refuseSharedCertificate(snapshot.servers, subscription);
  const edges = edgeShelf(scene);
  const credentials = [...mailCredentialsOf(before, before, subscription), ...subscription.credentials];
  return [
    ...(before
      ? planReplace(edges, before.name, {
          ...subscription,
          ...renewalUnderWay(before, subscription),
          name: before.name,
          credentials,
        })
      : planAdd(edges, subscription)),
    ...planHubs(scene, request, before),
    ...planConnectors(scene, request, before?.name ?? subscription.name),
  ];
}

/** Every hub that the site has now takes part in EdgeSync with this Edge from now on. */
function planHubs(
  scene: Scene,
  { subscription, credentialsFor }: SubscriptionRequest,
  before: EdgeSubscription | undefined,
): LdapOperation[] {
  return hubsOfSite(scene.snapshot, subscription.site).flatMap((hub) => {
    const others = credentialsNotFor(hub.credentials, [subscription.fqdn, before?.fqdn]);
    const mail = mailCredentialsOf(hub, before, subscription);
    return planReplace(serverShelf(scene), hub.name, {
      ...hub,
      credentials: [...others, ...mail, ...credentialsFor(hub)],
    });
  });
}

/**
 * What a server and its counterparts prove themselves with in mail stays in force until a synchronization brings new: a file
 * whose bootstrap credential turns out not to work must not stop a pair that does.
 */
function mailCredentialsOf(
  server: TransportServer | undefined,
  before: EdgeSubscription | undefined,
  next: EdgeSubscription,
): readonly EdgeSyncCredential[] {
  if (!server || !before || !isSameName(before.fqdn, next.fqdn)) return [];
  return server.credentials.filter(
    ({ purpose, targetServerFqdn, sourceServerFqdn }) =>
      purpose === 'SMTP' && [targetServerFqdn, sourceServerFqdn].some((fqdn) => isSameName(fqdn, next.fqdn)),
  );
}

/**
 * A file with the current or the next certificate says nothing new of a staged renewal, which goes on. With the previous one
 * the Edge has gone back to it: EdgeSync, which never believes a previous one, would otherwise be refused for good.
 */
function renewalUnderWay(before: EdgeSubscription, { certificate }: EdgeSubscription): RenewalState | undefined {
  if (!certificate) return undefined;
  const { previousCertificate: _previous, ...going } = before;
  return hasCertificate(going, certificate) ? renewalOf(before) : undefined;
}

function refuseStale(before: EdgeSubscription | undefined, next: EdgeSubscription): void {
  if (!before) return;
  const { name } = before;
  if (before.site !== next.site) {
    throw new Problem(
      'subscription-other-site',
      `${name} is subscribed to the site ${before.site ?? ''}; run Remove-EdgeSubscription ${name} on the hub before it joins ${next.site ?? ''}`,
    );
  }
  const [recorded, given] = [before.subscriptionEffective.getTime(), next.subscriptionEffective.getTime()];
  if (given === recorded) {
    throw new Problem(
      'subscription-used-twice',
      `this subscription file of ${name} was imported already; export a new one on the Edge`,
    );
  }
  if (given < recorded) {
    throw new Problem(
      'subscription-outdated',
      `this subscription file of ${name} is older than the one on record; export a new one on the Edge`,
    );
  }
}

/** A file must not turn a hub into an Edge, nor take over the name by which another Edge is reached. */
function refuseForeignName({ snapshot }: Scene, { name, fqdn }: EdgeSubscription): void {
  const other = snapshot.servers.find(
    (server) =>
      (isSameName(server.name, name) && server.role !== 'EdgeTransport') ||
      (isSameName(server.fqdn, fqdn) && !isSameName(server.name, name)),
  );
  if (other)
    throw new Problem(
      'name-in-use',
      `the name ${name} (${fqdn}) of the Edge is already that of the server ${other.name}`,
    );
}

function planConnectors(scene: Scene, request: SubscriptionRequest, edgeName: string): LdapOperation[] {
  const { site } = request.subscription;
  const wanted = [
    ...(request.createInboundSendConnector ? [makeInboundSendConnector(site, edgeName)] : []),
    ...(request.createInternetSendConnector ? [makeInternetSendConnector(site, edgeName)] : []),
  ];
  const shelf = sendConnectorShelf(scene);
  return wanted.flatMap((connector) => {
    const existing = shelf.objects.find(({ name }) => isSameName(name, connector.name));
    return existing ? planReplace(shelf, existing.name, withSource(existing, edgeName)) : planAdd(shelf, connector);
  });
}

function withSource(connector: SendConnector, edgeName: string): SendConnector {
  const { sourceTransportServers: sources } = connector;
  const isThere = sources.some((source) => isSameName(source, edgeName));
  return isThere ? connector : { ...connector, sourceTransportServers: [...sources, edgeName] };
}

/** Throws Problem `not-found`. */
export function planSubscriptionRemoval(scene: Scene, edgeName: string): LdapOperation[] {
  const edges = edgeShelf(scene);
  const edge = requireObject(edges, edgeName);
  const servers = serverShelf(scene);
  const withoutEdge = scene.snapshot.hubs.map((hub) => ({
    ...hub,
    credentials: credentialsNotFor(hub.credentials, [edge.fqdn]),
  }));
  return [
    ...planRemove(edges, edge.name),
    ...withoutEdge.flatMap((hub) => planReplace(servers, hub.name, hub)),
    ...planConnectorsWithout(scene, edge.name),
  ];
}

/** Every connector without that source; one whose only source it was goes with it. */
export function planConnectorsWithout(scene: Scene, serverName: string): LdapOperation[] {
  const shelf = sendConnectorShelf(scene);
  return shelf.objects.flatMap((connector) => {
    const sources = connector.sourceTransportServers.filter((source) => !isSameName(source, serverName));
    if (sources.length === connector.sourceTransportServers.length) return [];
    if (sources.length === 0) return planRemove(shelf, connector.name);
    return planReplace(shelf, connector.name, { ...connector, sourceTransportServers: sources });
  });
}

function credentialsNotFor(
  credentials: readonly EdgeSyncCredential[],
  fqdns: readonly (string | undefined)[],
): readonly EdgeSyncCredential[] {
  const names = new Set(fqdns.map((fqdn) => fqdn?.toLowerCase()));
  return credentials.filter(
    ({ targetServerFqdn, sourceServerFqdn }) =>
      !names.has(targetServerFqdn.toLowerCase()) && !names.has(sourceServerFqdn.toLowerCase()),
  );
}

function edgeShelf({ snapshot, layout }: Scene): Shelf<EdgeSubscription> {
  return { view: edgeSubscriptionView, parent: layout.servers, objects: snapshot.edges };
}
