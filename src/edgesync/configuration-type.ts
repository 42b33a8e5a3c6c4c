// The type Configuration: what an Edge ought to hold of the organisation, and the operations that make it so. Accepted
// domains, Send connectors whose source the Edge is, the organisation's settings, the site's hubs with their certificates,
// and credentials; nothing else on the Edge is touched.

import { type Account, accountView } from '../directory/account.ts';
import { acceptedDomainView } from '../directory/accepted-domain.ts';
import { type RenewalState, renewalOf } from '../directory/certificate-renewal.ts';
import type { EdgeSyncCredential } from '../directory/edge-sync-credential.ts';
import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import { diffEntries } from '../directory/entry-diff.ts';
import type { Layout } from '../directory/layout.ts';
import { isSameName, type OrganizationSnapshot } from '../directory/organization.ts';
import { sendConnectorView } from '../directory/send-connector.ts';
import { transportConfigView } from '../directory/transport-config.ts';
import { type TransportServer, transportServerView } from '../directory/transport-server.ts';
import { normalizeDn } from '../ldap/dn.ts';
import { getText, type LdapEntry, type LdapOperation } from '../ldap/entry.ts';
import { askFeed } from './directory-feed.ts';
import { carriedHubs } from './carried-hubs.ts';
import type { EdgeState } from './edge-state.ts';
import { answerTo } from './staged-certificate.ts';
import { countOperations, NOTHING_COUNTED, type SyncPlan, type SyncScene, type SyncType } from './sync-type.ts';

export const configurationType: SyncType = { name: 'Configuration', plan };

async function plan(scene: SyncScene, since: string | undefined): Promise<SyncPlan> {
  const { activeDirectory } = scene;
  const { services, sites } = activeDirectory.layout;
  const { position, hasChanges } = await askFeed(activeDirectory, [services, sites], since);
  if (!hasChanges) return { operations: [], counts: NOTHING_COUNTED, position };
  await activeDirectory.refresh();
  return { ...(await compareAll(scene)), position };
}

async function compareAll({ activeDirectory, client, edge: known, state }: SyncScene): Promise<SyncPlan> {
  const { layout } = state;
  const organization = activeDirectory.snapshot();
  const edge = organization.edges.find(({ name }) => name === known.name) ?? known;
  const wanted = wantedEntries(organization, edge, layout);
  const entries = await client.search({ base: layout.services, scope: 'sub' });
  const current = entries.filter((entry) => isReplicated(entry, state));
  const operations = [
    // A verifier is never read back, so an account is the same when its name is: each new password has a new name.
    ...diffEntries(current, wanted, { ignore: [...OWN_TO_ADAM, ...accountAttributes()] }),
    ...selfOperations(edge, state),
  ];
  const looked = { scanned: wanted.length, targetScanned: current.length };
  return { operations, counts: countOperations(operations, looked) };
}

/** Attributes of server objects that ADAM keeps for itself. */
const OWN_TO_ADAM: readonly string[] = ['msExchEdgeSyncStatus', 'msExchEdgeSyncCookie'];

function accountAttributes(): string[] {
  return Object.values(accountView.fields)
    .map(({ attribute }) => attribute)
    .filter((attribute) => attribute !== 'cn');
}

function wantedEntries(organization: OrganizationSnapshot, edge: EdgeSubscription, layout: Layout): LdapEntry[] {
  const hubs = carriedHubs(organization, edge);
  const connectors = organization.sendConnectors.filter(({ sourceTransportServers }) =>
    sourceTransportServers.some((source) => isSameName(source, edge.name)),
  );
  return [
    transportConfigView.toEntry(organization.transportConfig, layout.organization),
    ...organization.acceptedDomains.map((domain) => acceptedDomainView.toEntry(domain, layout.acceptedDomains)),
    ...connectors.map((connector) => sendConnectorView.toEntry(connector, layout.connections)),
    ...hubs.map((hub) => transportServerView.toEntry(publicPart(hub, edge), layout.servers)),
    ...hubs.flatMap((hub) => accountsOf(hub, edge)).map((account) => accountView.toEntry(account, layout.services)),
  ];
}

/** Of a hub the Edge learns name, certificate, key, and the verifier of what that hub proves itself with. */
function publicPart(hub: TransportServer, edge: EdgeSubscription): TransportServer {
  const { name, fqdn, role, site, encryptionKeyPem, serialNumber } = hub;
  const credentials = hub.credentials
    .filter((credential) => credential.purpose === 'SMTP' && isFor(credential, edge))
    .map(withoutSecret);
  return { name, fqdn, role, site, encryptionKeyPem, serialNumber, credentials, ...certificatesOf(hub) };
}

/** Every certificate on record with its times. What the hub itself keeps of its renewal is nobody else's. */
function certificatesOf(hub: TransportServer): RenewalState {
  return { ...renewalOf(hub), gracePeriodS: undefined, certificateAcknowledgements: undefined };
}

function withoutSecret({ sealedPassword: _sealed, ...credential }: EdgeSyncCredential): EdgeSyncCredential {
  return credential;
}

function accountsOf(hub: TransportServer, edge: EdgeSubscription): Account[] {
  return hub.credentials
    .filter(
      (credential) => credential.purpose === 'LDAP' && credential.sourceServerFqdn !== '' && isFor(credential, edge),
    )
    .map(({ userName, verifier, effective, expiration }) => ({
      name: userName,
      kind: 'replication',
      passwordVerifier: verifier ?? '',
      effective,
      expiration,
      superseded: false,
    }));
}

function isFor(credential: EdgeSyncCredential, edge: EdgeSubscription): boolean {
  return credential.targetServerFqdn.toLowerCase() === edge.fqdn.toLowerCase();
}

/** The Edge's own object gets its site and what it proves itself with to the hubs; the rest of it is the Edge's own. */
function selfOperations(edge: EdgeSubscription, { layout, self }: EdgeState): LdapOperation[] {
  const credentials = edge.credentials
    .filter(
      ({ purpose, sourceServerFqdn }) =>
        purpose === 'SMTP' && sourceServerFqdn.toLowerCase() === edge.fqdn.toLowerCase(),
    )
    .map(({ verifier: _verifier, ...credential }) => credential);
  const before = transportServerView.toEntry(self, layout.servers);
  const after = transportServerView.toEntry(
    { ...self, ...answerTo(edge), site: edge.site, credentials },
    layout.servers,
  );
  return diffEntries([before], [after]);
}

/** What EdgeSync owns in ADAM. */
function isReplicated(entry: LdapEntry, { layout, self }: EdgeState): boolean {
  if (isOfClass(entry, accountView.objectClass))
    return getText(entry, accountView.fields.kind.attribute) === 'replication';
  if (isOfClass(entry, transportServerView.objectClass)) return normalizeDn(entry.dn) !== normalizeDn(self.record.dn);
  if (isOfClass(entry, transportConfigView.objectClass))
    return normalizeDn(entry.dn) === normalizeDn(layout.transportSettings);
  return isOfClass(entry, sendConnectorView.objectClass) || isOfClass(entry, acceptedDomainView.objectClass);
}

function isOfClass(entry: LdapEntry, objectClass: string): boolean {
  return getText(entry, 'objectClass')?.toLowerCase() === objectClass.toLowerCase();
}
