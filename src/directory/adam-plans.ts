// What exporting a subscription, ending its bootstrap account and removing it come to in ADAM. Pure.

import type { LdapOperation } from '../ldap/entry.ts';
import { Problem } from '../problem.ts';
import { type Account, accountView } from './account.ts';
import type { AdamSnapshot } from './adam-snapshot.ts';
import { findCookie, formatEdgeSyncCookie, SYNC_TYPE_NAMES } from './edge-sync-cookie.ts';
import { isSameName } from './organization.ts';
import { planTransportConfig, type Scene, serverShelf } from './organization-plans.ts';
import { type RecipientFilterConfig, recipientFilterView } from './recipient-filter.ts';
import { planAdd, planRemove, planReplace, type Shelf } from './shelf.ts';
import { DEFAULT_TRANSPORT_CONFIG, type TransportConfig } from './transport-config.ts';
import type { Recorded } from './view.ts';

type AdamScene = Scene & { readonly snapshot: AdamSnapshot };

/** The lists of the organization take the place of the Edge's own; how it answers to certificates stays until they come. */
const WITHOUT_LISTS: Partial<TransportConfig> = {
  internalSmtpServers: [],
  tlsReceiveDomainSecureList: [],
  tlsSendDomainSecureList: [],
};

/** The bootstrap account takes the place of its predecessor; accounts of the subscription before go on, but end nothing. */
export function planExport(scene: AdamScene, bootstrap: Account): LdapOperation[] {
  const { snapshot } = scene;
  const accounts = accountShelf(scene);
  const [old, others] = [isBootstrap, (account: Account) => !isBootstrap(account)].map((is) =>
    accounts.objects.filter(is),
  );
  const self = {
    ...snapshot.self,
    subscriptionExportedAt: bootstrap.effective,
    edgeSyncCookies: withFirstCookies(snapshot.self.edgeSyncCookies ?? [], bootstrap.effective),
  };
  return [
    ...(snapshot.subscriptionState === 'NotSubscribed' ? planOwnObjectsRemoval(scene, WITHOUT_LISTS) : []),
    ...(old ?? []).map(toDelete),
    ...planAdd({ ...accounts, objects: [] }, bootstrap),
    ...(others ?? []).flatMap((account) => planReplace(accounts, account.name, { ...account, superseded: true })),
    ...planReplace(serverShelf(scene), self.name, self),
  ];
}

/** Every type has a cookie from the start: a first round, too, replaces one and so cannot be played twice. */
function withFirstCookies(texts: readonly string[], time: Date): readonly string[] {
  const missing = SYNC_TYPE_NAMES.filter((type) => findCookie(texts, type) === undefined);
  return [...texts, ...missing.map((type) => formatEdgeSyncCookie({ type, version: 0, hub: '', source: '', time }))];
}

/** Nothing when the account belongs to an older subscription than the bootstrap account. */
export function planBootstrapEnd(scene: AdamScene, account: Account): LdapOperation[] {
  const shelf = accountShelf(scene);
  const current = shelf.objects.find(({ name }) => isSameName(name, account.name));
  if (current?.kind !== 'replication' || current.superseded) return [];
  return shelf.objects.filter(isBootstrap).flatMap(({ name }) => planRemove(shelf, name));
}

/**
 * For a directory that asks nobody who binds: accounts whose time is up go, and the bootstrap account with the first account of
 * the same subscription, which is what it was for.
 */
export function planAccountEnds({ snapshot }: AdamScene, now: Date): LdapOperation[] {
  const { accounts } = snapshot;
  const hasSuccessor = accounts.some(({ kind, superseded }) => kind === 'replication' && !superseded);
  return accounts
    .filter((account) => account.expiration <= now || (isBootstrap(account) && hasSuccessor))
    .map(toDelete);
}

/** Makes the settings when they are set for the first time. */
export function planRecipientFilter({ snapshot, layout }: AdamScene, config: RecipientFilterConfig): LdapOperation[] {
  const { recipientFilter } = snapshot;
  const shelf: Shelf<RecipientFilterConfig> = {
    view: recipientFilterView,
    parent: layout.messageHygiene,
    objects: recipientFilter ? [recipientFilter] : [],
  };
  return recipientFilter ? planReplace(shelf, recipientFilter.name, config) : planAdd(shelf, config);
}

/** Throws Problem `not-subscribed`. */
export function planWipe(scene: AdamScene): LdapOperation[] {
  const { snapshot } = scene;
  if (snapshot.subscriptionState === 'NotSubscribed') {
    throw new Problem('not-subscribed', `${snapshot.self.name} has no Edge Subscription`);
  }
  const { record, name, fqdn, role, certificate, encryptionKeyPem, passwordScheme, serialNumber } = snapshot.self;
  const own = { record, name, fqdn, role, certificate, encryptionKeyPem, passwordScheme, serialNumber };
  const self = { ...own, credentials: [] };
  return [
    ...planOwnObjectsRemoval(scene, DEFAULT_TRANSPORT_CONFIG),
    ...[...snapshot.accounts, ...snapshot.servers.filter((server) => !isSameName(server.name, name))].map(toDelete),
    ...planReplace(serverShelf(scene), name, self),
  ];
}

/** What EdgeSync brings from now on, or brought until now. */
function planOwnObjectsRemoval(scene: AdamScene, config: Partial<TransportConfig>): LdapOperation[] {
  const { sendConnectors, acceptedDomains, transportConfig } = scene.snapshot;
  return [
    ...[...sendConnectors, ...acceptedDomains].map(toDelete),
    ...planTransportConfig(scene, { ...transportConfig, ...config }),
  ];
}

function accountShelf({ snapshot, layout }: AdamScene): Shelf<Account> {
  return { view: accountView, parent: layout.services, objects: snapshot.accounts };
}

function isBootstrap({ kind }: Account): boolean {
  return kind === 'bootstrap';
}

function toDelete({ record }: Recorded<object>): LdapOperation {
  return { kind: 'delete', dn: record.dn };
}
