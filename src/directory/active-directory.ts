// AD as a hub sees it: it may write everything. Subscribing an Edge is one transaction: server object, the hub's credentials
// for it and the two connectors, or nothing at all. Pushing it to the Edge is edgesync's.

import type { Log } from '../log.ts';
import { ensureBaseTree, type OwnServer } from './base-tree.ts';
import type { ChangePage } from './change-feed.ts';
import type { Directory } from './directory.ts';
import type { EdgeSyncServiceConfig } from './edge-sync-service-config.ts';
import type { KeptState } from './kept-state.ts';
import { layoutOf, serverDn } from './layout.ts';
import { openPrepared } from './live-snapshot.ts';
import { type OrganizationSnapshot, readOrganization, readTree } from './organization.ts';
import { OrganizationDirectory, type OrganizationParts } from './organization-directory.ts';
import { planEdgeSyncServiceConfig, planServer, requireServer } from './organization-plans.ts';
import { planServerFarewell, planSubtreeRemoval } from './server-removal.ts';
import { Recipients } from './recipients.ts';
import { positionOf, type ReplicaPosition } from './replica-position.ts';
import { planSubscription, planSubscriptionRemoval, type SubscriptionRequest } from './subscription-plans.ts';
import type { TransportServer } from './transport-server.ts';

export interface ActiveDirectoryOptions {
  /** Its opener closes it. */
  readonly directory: Directory;
  readonly server: Omit<OwnServer, 'role'> & { readonly site: string };
  readonly log: Log;
  /** Where the last good state outlives this process. */
  readonly kept?: KeptState | undefined;
}

/** What is to be changed on a server's object, by what it says at that moment: another hub may have written since it was read. */
export interface ServerChange {
  readonly name: string;
  readonly change: (server: TransportServer) => Partial<Omit<TransportServer, 'name' | 'role'>>;
}

/** Owns the live snapshot of AD. */
export class ActiveDirectory extends OrganizationDirectory<OrganizationSnapshot> {
  readonly #directory: Directory;
  /** Not in the snapshot: there may be very many. */
  readonly recipients: Recipients;

  /** Makes what is missing. Throws Problem `object-unreadable` when what is there cannot be understood. */
  static async open({ directory, server, log, kept }: ActiveDirectoryOptions): Promise<ActiveDirectory> {
    const layout = layoutOf(directory.namingContext);
    const prepare = () => ensureBaseTree(directory, { ...server, role: 'HubTransport' });
    const live = await openPrepared({
      directory,
      prepare,
      read: () => readTree(directory, layout),
      understand: (entries) => readOrganization(entries, layout, server.name),
      log,
      kept,
    });
    const activeDirectory = new ActiveDirectory({ live, layout, log, guardReplicated: () => undefined }, directory);
    // The config file may have been changed since the object was made.
    await activeDirectory.keepDone(async () => {
      await prepare();
      await activeDirectory.publishServer({ fqdn: server.fqdn, site: server.site });
    });
    return activeDirectory;
  }

  private constructor(parts: OrganizationParts<OrganizationSnapshot>, directory: Directory) {
    super(parts);
    this.#directory = directory;
    this.recipients = new Recipients(directory, parts.layout);
  }

  /**
   * Records an Edge Subscription, or overwrites the one that is there. Throws Problem `subscription-used-twice`,
   * `subscription-outdated`, `subscription-other-site`, `name-in-use` or `certificate-on-two-servers`.
   */
  subscribe(request: SubscriptionRequest): Promise<void> {
    return this.changeScene((scene) => planSubscription(scene, request));
  }

  /** Forgets an Edge, its credentials and its place in every connector. Throws Problem `not-found`. */
  unsubscribe(edgeName: string): Promise<void> {
    return this.changeScene((scene) => planSubscriptionRemoval(scene, edgeName));
  }

  /** AD's change feed, as `Directory.readChanges`; undefined when the directory keeps none. */
  readChanges(base: string, since?: string, limit?: number): Promise<ChangePage | undefined> {
    return this.#directory.readChanges(base, since, limit);
  }

  /** How far the copy of AD that is read has come; undefined where it does not say so, or was not asked yet. */
  get position(): ReplicaPosition | undefined {
    return positionOf(this.#directory);
  }

  /** Changes the settings of EdgeSync for this hub's site. Throws Problem `bad-edge-sync-config`. */
  setEdgeSyncServiceConfig(config: EdgeSyncServiceConfig): Promise<void> {
    return this.changeScene((scene) => planEdgeSyncServiceConfig(scene, config));
  }

  /** Changes another server's object, an Edge's or a hub's. Throws Problem `not-found` or `certificate-on-two-servers`. */
  changeServer(name: string, change: ServerChange['change']): Promise<void> {
    return this.changeServers([{ name, change }]);
  }

  /** The same for several at once: all of them or none. */
  changeServers(changes: readonly ServerChange[]): Promise<void> {
    return this.changeScene((scene) =>
      changes.flatMap(({ name, change }) => planServer(scene, name, change(requireServer(scene, name)))),
    );
  }

  /**
   * Forgets a hub that is gone: its place in connectors, what Edges keep for it, then its object from the leaves. Whatever
   * stops that half way, it can be run again. Throws Problem `not-found`, `server-is-edge` or `server-is-own`.
   */
  async removeServer(name: string): Promise<void> {
    await this.changeScene((scene) => planServerFarewell(scene, name));
    const base = serverDn(this.layout, name);
    const entries = await this.#directory.search({ base, scope: 'sub', attributes: ['1.1'] });
    for (const operation of planSubtreeRemoval(entries.map(({ dn }) => dn))) await this.live.change(() => [operation]);
  }
}
