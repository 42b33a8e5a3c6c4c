// What AD and ADAM have in common: the live snapshot, and the changes that administrators make to connectors, domains,
// configuration and the own server's object. A guard says what may not be changed there now.

import type { Cancel } from '../clock.ts';
import type { LdapOperation, LdapOperations } from '../ldap/entry.ts';
import type { AcceptedDomain } from './accepted-domain.ts';
import type { RenewalState } from './certificate-renewal.ts';
import type { DirectoryAccount } from './directory-account.ts';
import type { Layout } from './layout.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import type { OrganizationSnapshot } from './organization.ts';
import {
  planAcceptedDomain,
  planAcceptedDomainRemoval,
  planDirectoryAccount,
  planDirectoryAccountRemoval,
  planReceiveConnector,
  planReceiveConnectorRemoval,
  planSendConnector,
  planSendConnectorRemoval,
  planServer,
  planTransportConfig,
  type Scene,
} from './organization-plans.ts';
import type { ReceiveConnector } from './receive-connector.ts';
import type { SendConnector } from './send-connector.ts';
import type { TransportConfig } from './transport-config.ts';
import type { TransportServer } from './transport-server.ts';

/** What of a server's own object the server itself changes. */
export type OwnServerChanges = Partial<
  Pick<
    TransportServer,
    'fqdn' | 'site' | 'certificate' | 'encryptionKeyPem' | 'serialNumber' | 'credentials' | 'edgeSyncStatus'
  > &
    RenewalState
>;

export interface OrganizationParts<S extends OrganizationSnapshot> {
  readonly live: LiveSnapshot<S>;
  readonly layout: Layout;
  /** Throws a Problem when objects that a subscription brings may not be changed here by hand. */
  readonly guardReplicated: (snapshot: S) => void;
}

/** Every write throws Problem for what a rule refuses, and then nothing was changed. */
export class OrganizationDirectory<S extends OrganizationSnapshot> {
  readonly layout: Layout;
  protected readonly live: LiveSnapshot<S>;
  readonly #guardReplicated: (snapshot: S) => void;

  protected constructor(parts: OrganizationParts<S>) {
    this.layout = parts.layout;
    this.live = parts.live;
    this.#guardReplicated = parts.guardReplicated;
  }

  /** The state as last read; never waits. */
  snapshot(): S {
    return this.live.current;
  }

  /** True while the directory cannot be read and the snapshot is the last good one. */
  get isStale(): boolean {
    return this.live.isStale;
  }

  /** Calls `listener` when there is a new snapshot. */
  onChange(listener: () => void): Cancel {
    return this.live.onChange(listener);
  }

  /** Resolves when the snapshot is as new as the directory. */
  refresh(): Promise<void> {
    return this.live.refresh();
  }

  addSendConnector(connector: SendConnector): Promise<void> {
    return this.#changeReplicated((scene) => planSendConnector(scene, connector));
  }

  /** `connector` may have another name. */
  replaceSendConnector(name: string, connector: SendConnector): Promise<void> {
    return this.#changeReplicated((scene) => planSendConnector(scene, connector, name));
  }

  removeSendConnector(name: string): Promise<void> {
    return this.#changeReplicated((scene) => planSendConnectorRemoval(scene, name));
  }

  addAcceptedDomain(domain: AcceptedDomain): Promise<void> {
    return this.#changeReplicated((scene) => planAcceptedDomain(scene, domain));
  }

  replaceAcceptedDomain(name: string, domain: AcceptedDomain): Promise<void> {
    return this.#changeReplicated((scene) => planAcceptedDomain(scene, domain, name));
  }

  removeAcceptedDomain(name: string): Promise<void> {
    return this.#changeReplicated((scene) => planAcceptedDomainRemoval(scene, name));
  }

  addReceiveConnector(connector: ReceiveConnector): Promise<void> {
    return this.changeScene((scene) => planReceiveConnector(scene, connector));
  }

  replaceReceiveConnector(name: string, connector: ReceiveConnector): Promise<void> {
    return this.changeScene((scene) => planReceiveConnector(scene, connector, name));
  }

  removeReceiveConnector(name: string): Promise<void> {
    return this.changeScene((scene) => planReceiveConnectorRemoval(scene, name));
  }

  /** On an Edge the next round of EdgeSync replaces it. */
  setTransportConfig(config: TransportConfig): Promise<void> {
    return this.changeScene((scene) => planTransportConfig(scene, config));
  }

  /** Puts certificate, key and the like on the own server's object; Problem `certificate-on-two-servers`. */
  publishServer(changes: OwnServerChanges): Promise<void> {
    return this.changeScene((scene) => planServer(scene, scene.snapshot.self.name, changes));
  }

  /** Changes the own server's object by what it says at that moment; Problem `certificate-on-two-servers`. */
  renewCertificate(change: (self: RenewalState) => RenewalState): Promise<void> {
    return this.changeScene((scene) => planServer(scene, scene.snapshot.self.name, change(scene.snapshot.self)));
  }

  /** Makes an account for whoever comes over LDAP. Throws Problem `already-exists` or `certificate-on-two-accounts`. */
  addDirectoryAccount(account: DirectoryAccount): Promise<void> {
    return this.changeScene((scene) => planDirectoryAccount(scene, account));
  }

  /** It is nobody from then on, on connections that are open too. Throws Problem `not-found`. */
  removeDirectoryAccount(name: string): Promise<void> {
    return this.changeScene((scene) => planDirectoryAccountRemoval(scene, name));
  }

  /** Writes what came over LDAP and was found allowed, in the writer's name; all or nothing. Throws LdapFault. */
  replicate(operations: LdapOperations, author: string): Promise<void> {
    return this.live.change(() => operations, author);
  }

  /** Lets go of the directory, which its opener closes. */
  close(): void {
    this.live.close();
  }

  protected changeScene(plan: (scene: Scene & { readonly snapshot: S }) => readonly LdapOperation[]): Promise<void> {
    return this.live.change((snapshot) => plan({ snapshot, layout: this.layout }));
  }

  #changeReplicated(plan: (scene: Scene) => readonly LdapOperation[]): Promise<void> {
    return this.changeScene((scene) => {
      this.#guardReplicated(scene.snapshot);
      return plan(scene);
    });
  }
}
