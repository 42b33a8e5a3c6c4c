// What AD and ADAM have in common: the live snapshot, and the changes that administrators make to connectors, domains,
// configuration and the own server's object. A guard says what may not be changed there now.

import type { Cancel } from '../clock.ts';
import type { LdapOperation, LdapOperations } from '../ldap/entry.ts';
import type { Log } from '../log.ts';
import { isProblem, messageOf } from '../problem.ts';
import type { AcceptedDomain } from './accepted-domain.ts';
import type { RenewalState } from './certificate-renewal.ts';
import type { DirectoryAccount } from './directory-account.ts';
import type { Layout } from './layout.ts';
import type { LiveSnapshot, ReadingListener } from './live-snapshot.ts';
import type { OrganizationSnapshot } from './organization.ts';
import {
  acceptedDomainShelf,
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
  receiveConnectorShelf,
  type Scene,
  sendConnectorShelf,
} from './organization-plans.ts';
import type { ReceiveConnector } from './receive-connector.ts';
import type { SendConnector } from './send-connector.ts';
import { requireObject } from './shelf.ts';
import type { TransportConfig } from './transport-config.ts';
import type { TransportServer } from './transport-server.ts';

/** What of a server's own object the server itself changes. */
export type OwnServerChanges = Partial<
  Pick<
    TransportServer,
    | 'fqdn'
    | 'site'
    | 'certificate'
    | 'encryptionKeyPem'
    | 'passwordScheme'
    | 'serialNumber'
    | 'credentials'
    | 'edgeSyncStatus'
  > &
    RenewalState
>;

export interface OrganizationParts<S extends OrganizationSnapshot> {
  readonly live: LiveSnapshot<S>;
  readonly layout: Layout;
  readonly log: Log;
  /** Throws a Problem when objects that a subscription brings may not be changed here by hand. */
  readonly guardReplicated: (snapshot: S) => void;
}

/**
 * What an object shall become: a value, or made of what the object is at that moment. A value made of an older snapshot would
 * undo what another server has changed since.
 */
type Next<T> = T | ((current: T) => T);

function nextOf<T extends object>(next: Next<T>, current: T): T {
  return typeof next === 'function' ? next(current) : next;
}

/** Every write throws Problem for what a rule refuses, and then nothing was changed. */
export class OrganizationDirectory<S extends OrganizationSnapshot> {
  readonly layout: Layout;
  protected readonly live: LiveSnapshot<S>;
  readonly #guardReplicated: (snapshot: S) => void;
  readonly #log: Log;

  protected constructor(parts: OrganizationParts<S>) {
    this.layout = parts.layout;
    this.live = parts.live;
    this.#guardReplicated = parts.guardReplicated;
    this.#log = parts.log;
  }

  /** The state as last read; never waits. */
  snapshot(): S {
    return this.live.current;
  }

  /** True while the directory cannot be read and the snapshot is the last good one. */
  get isStale(): boolean {
    return this.live.isStale;
  }

  /** Why the snapshot is only the last good one; undefined while it is what the directory says. */
  get fault(): unknown {
    return this.live.fault;
  }

  /** Calls `listener` after each reading, good or bad. */
  onReading(listener: ReadingListener): Cancel {
    return this.live.onReading(listener);
  }

  /**
   * Runs `work`, which writes, as soon as the directory can be reached and takes changes: now, or when it is so; and again each
   * time it comes back, since what it wrote may be lost. Rejects with what `work` met now; later faults are for the log.
   */
  async keepDone(work: () => Promise<void>): Promise<Cancel> {
    let isDue = this.isStale;
    const attempt = async (): Promise<void> => {
      isDue = false;
      await work().catch((error: unknown) => {
        if (!isProblem(error, 'directory-read-only')) throw error;
        isDue = true;
      });
    };
    if (!isDue) await attempt();
    return this.live.onReading((fault) => {
      if (fault !== undefined) isDue = true;
      if (!isDue || fault !== undefined) return;
      attempt().catch((error: unknown) =>
        this.#log.error({ reason: messageOf(error) }, 'this server could not be published in the directory'),
      );
    });
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
  replaceSendConnector(name: string, connector: Next<SendConnector>): Promise<void> {
    return this.#changeReplicated((scene) =>
      planSendConnector(scene, nextOf(connector, requireObject(sendConnectorShelf(scene), name)), name),
    );
  }

  removeSendConnector(name: string): Promise<void> {
    return this.#changeReplicated((scene) => planSendConnectorRemoval(scene, name));
  }

  addAcceptedDomain(domain: AcceptedDomain): Promise<void> {
    return this.#changeReplicated((scene) => planAcceptedDomain(scene, domain));
  }

  replaceAcceptedDomain(name: string, domain: Next<AcceptedDomain>): Promise<void> {
    return this.#changeReplicated((scene) =>
      planAcceptedDomain(scene, nextOf(domain, requireObject(acceptedDomainShelf(scene), name)), name),
    );
  }

  removeAcceptedDomain(name: string): Promise<void> {
    return this.#changeReplicated((scene) => planAcceptedDomainRemoval(scene, name));
  }

  addReceiveConnector(connector: ReceiveConnector): Promise<void> {
    return this.changeScene((scene) => planReceiveConnector(scene, connector));
  }

  replaceReceiveConnector(name: string, connector: Next<ReceiveConnector>): Promise<void> {
    return this.changeScene((scene) =>
      planReceiveConnector(scene, nextOf(connector, requireObject(receiveConnectorShelf(scene), name)), name),
    );
  }

  removeReceiveConnector(name: string): Promise<void> {
    return this.changeScene((scene) => planReceiveConnectorRemoval(scene, name));
  }

  /** On an Edge the next round of EdgeSync replaces it. */
  setTransportConfig(config: Next<TransportConfig>): Promise<void> {
    return this.changeScene((scene) => planTransportConfig(scene, nextOf(config, scene.snapshot.transportConfig)));
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
    return this.live.apply(operations, author);
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
