// What an Edge holds of the organisation and what it ought to hold: reads ADAM over LDAP, and plans, purely, the operations
// that make it what AD says. Accepted domains, Send connectors whose source the Edge is, the organisation's settings, the
// site's hubs with their certificates, and credentials; nothing else on the Edge is touched.

import { type Account, accountView } from '../directory/account.ts';
import { acceptedDomainView } from '../directory/accepted-domain.ts';
import type { EdgeSyncCredential } from '../directory/edge-sync-credential.ts';
import type { EdgeSubscription } from '../directory/edge-subscription.ts';
import { diffEntries } from '../directory/entry-diff.ts';
import { type Layout, layoutOf } from '../directory/layout.ts';
import { isSameName, type OrganizationSnapshot, readShelf, readTree } from '../directory/organization.ts';
import { sendConnectorView } from '../directory/send-connector.ts';
import { transportConfigView } from '../directory/transport-config.ts';
import { type TransportServer, transportServerView } from '../directory/transport-server.ts';
import type { Recorded } from '../directory/view.ts';
import type { LdapClient } from '../ldap/client.ts';
import { normalizeDn } from '../ldap/dn.ts';
import { getText, type LdapEntry, type LdapOperation } from '../ldap/entry.ts';
import { Problem } from '../problem.ts';

/** ADAM as it was found. */
export interface ReplicaState {
  readonly layout: Layout;
  /** The Edge's own server object. */
  readonly self: Recorded<TransportServer>;
  readonly entries: readonly LdapEntry[];
  readonly accountNames: readonly string[];
}

export interface ReplicaPlan {
  readonly operations: readonly LdapOperation[];
  readonly counts: {
    readonly added: number;
    readonly deleted: number;
    readonly updated: number;
    readonly scanned: number;
    readonly targetScanned: number;
  };
}

/** Reads the Edge's directory; throws Problem `edge-incomplete` when it is no ADAM of that Edge. */
export async function readReplica(client: LdapClient, edgeName: string): Promise<ReplicaState> {
  const [rootDse] = await client.search({ base: '', scope: 'base', attributes: ['namingContexts'] });
  const namingContext = rootDse && getText(rootDse, 'namingContexts');
  if (namingContext === undefined)
    throw new Problem('edge-incomplete', `${edgeName} names no naming context: is it an Edge of this relaypair?`);
  const layout = layoutOf(namingContext);
  const entries = await readTree(client, layout, ['*']);
  const self = readShelf(entries, layout.servers, transportServerView).find(({ name }) => isSameName(name, edgeName));
  if (!self)
    throw new Problem(
      'edge-incomplete',
      `the directory at ${edgeName} has no server of that name: is it another Edge?`,
    );
  const accountNames = entries
    .filter((entry) => isOfClass(entry, accountView.objectClass))
    .flatMap((entry) => getText(entry, 'cn') ?? []);
  return { layout, self, entries, accountNames };
}

/** The one transaction that brings the Edge up to date. */
export function planReplica(
  organization: OrganizationSnapshot,
  edge: EdgeSubscription,
  state: ReplicaState,
): ReplicaPlan {
  const { layout } = state;
  const wanted = wantedEntries(organization, edge, state);
  const current = state.entries.filter((entry) => isReplicated(entry, layout, state.self));
  const operations = [
    // A verifier is never read back, so an account is the same when its name is: each new password has a new name.
    ...diffEntries(current, wanted, { ignore: [...OWN_TO_ADAM, ...accountAttributes()] }),
    ...selfOperations(organization, edge, state),
  ];
  const count = (kind: LdapOperation['kind']): number =>
    operations.filter((operation) => operation.kind === kind).length;
  return {
    operations,
    counts: {
      added: count('add'),
      deleted: count('delete'),
      updated: count('modify'),
      scanned: wanted.length,
      targetScanned: current.length,
    },
  };
}

/** Attributes of server objects that ADAM keeps for itself. */
const OWN_TO_ADAM: readonly string[] = ['msExchEdgeSyncStatus', 'msExchEdgeSyncCookie'];

function accountAttributes(): string[] {
  return Object.values(accountView.fields)
    .map(({ attribute }) => attribute)
    .filter((attribute) => attribute !== 'cn');
}

function wantedEntries(
  organization: OrganizationSnapshot,
  edge: EdgeSubscription,
  { layout }: ReplicaState,
): LdapEntry[] {
  const hubs = organization.hubs.filter(({ site }) => site === undefined || site === edge.site);
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
  const { name, fqdn, role, site, certificate, encryptionKeyPem, serialNumber } = hub;
  const credentials = hub.credentials
    .filter((credential) => credential.purpose === 'SMTP' && isFor(credential, edge))
    .map(withoutSecret);
  return { name, fqdn, role, site, certificate, encryptionKeyPem, serialNumber, credentials };
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
function selfOperations(
  _organization: OrganizationSnapshot,
  edge: EdgeSubscription,
  { layout, self }: ReplicaState,
): LdapOperation[] {
  const credentials = edge.credentials
    .filter(
      ({ purpose, sourceServerFqdn }) =>
        purpose === 'SMTP' && sourceServerFqdn.toLowerCase() === edge.fqdn.toLowerCase(),
    )
    .map(({ verifier: _verifier, ...credential }) => credential);
  const before = transportServerView.toEntry(self, layout.servers);
  const after = transportServerView.toEntry({ ...self, site: edge.site, credentials }, layout.servers);
  return diffEntries([before], [after]);
}

/** What EdgeSync owns in ADAM. */
function isReplicated(entry: LdapEntry, layout: Layout, self: Recorded<TransportServer>): boolean {
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
