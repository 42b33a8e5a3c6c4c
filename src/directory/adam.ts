// ADAM as its Edge sees it. The Edge writes its own Receive connectors and its own object; hubs, Send connectors, accepted
// domains and credentials come by EdgeSync, and cmdlets on them are refused once the subscription was exported (states:
// adam-snapshot.ts). Who may write over LDAP is adam-door.ts.

import { randomBytes } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Mailbox } from '../smtp/address.ts';
import { Problem } from '../problem.ts';
import { type Account, accountView, bootstrapAccountName } from './account.ts';
import { planAccountEnds, planBootstrapEnd, planExport, planRecipientFilter, planWipe } from './adam-plans.ts';
import { type AdamSnapshot, understandAdam } from './adam-snapshot.ts';
import { ensureBaseTree, type OwnServer } from './base-tree.ts';
import type { Directory } from './directory.ts';
import { findCookie } from './edge-sync-cookie.ts';
import type { KeptState } from './kept-state.ts';
import { layoutOf } from './layout.ts';
import { openPrepared } from './live-snapshot.ts';
import { readTree } from './organization.ts';
import { OrganizationDirectory, type OrganizationParts } from './organization-directory.ts';
import { makePasswordVerifier, type PasswordScheme } from './password-verifier.ts';
import type { RecipientFilterConfig } from './recipient-filter.ts';
import { RecipientLookup } from './recipient-lookup.ts';
import { removeRecipients } from './recipient-removal.ts';

export interface AdamOptions {
  /** Its opener closes it. */
  readonly directory: Directory;
  readonly server: Omit<OwnServer, 'role' | 'site'>;
  readonly clock: Clock;
  readonly log: Log;
  /** What the directory can check passwords against; the embedded one's when absent. */
  readonly passwordScheme?: PasswordScheme | undefined;
  /** Where the last good state outlives this process. */
  readonly kept?: KeptState | undefined;
}

/** The bootstrap credential, for the subscription file; the password is nowhere else. */
export interface BootstrapCredential {
  /** DN of the account. */
  readonly userName: string;
  readonly password: string;
  readonly effective: Date;
  readonly expiration: Date;
}

const PASSWORD_BYTES = 32;

/** Owns the live snapshot of ADAM. */
export class Adam extends OrganizationDirectory<AdamSnapshot> {
  /** Not in the snapshot, since there may be very many. */
  readonly #recipientLookup: RecipientLookup;
  readonly #clock: Clock;
  readonly #directory: Directory;
  readonly #passwordScheme: PasswordScheme | undefined;

  /** Makes what is missing. Throws Problem `object-unreadable` when what is there cannot be understood. */
  static async open({ directory, server, clock, log, kept, passwordScheme }: AdamOptions): Promise<Adam> {
    const layout = layoutOf(directory.namingContext);
    const prepare = () => ensureBaseTree(directory, { ...server, role: 'EdgeTransport' });
    const live = await openPrepared({
      directory,
      prepare,
      read: () => readTree(directory, layout),
      understand: (entries) => understandAdam(entries, layout, server.name),
      log,
      kept,
    });
    const adam = new Adam({ live, layout, clock, log, passwordScheme, directory });
    // The config file may have been changed since the object was made.
    await adam.keepDone(async () => {
      await prepare();
      await adam.publishServer({ fqdn: server.fqdn, passwordScheme });
    });
    return adam;
  }

  private constructor(
    parts: Omit<OrganizationParts<AdamSnapshot>, 'guardReplicated'> &
      Pick<AdamOptions, 'clock' | 'passwordScheme' | 'directory'>,
  ) {
    super({ ...parts, guardReplicated: refuseSubscribed });
    this.#clock = parts.clock;
    this.#directory = parts.directory;
    this.#recipientLookup = new RecipientLookup(parts.directory, parts.layout);
    this.#passwordScheme = parts.passwordScheme;
  }

  /**
   * Makes the bootstrap account, over one that is there. On an Edge that is not subscribed, its own Send connectors and
   * accepted domains go; on a subscribed one everything stays and mail goes on.
   */
  async exportSubscription(durationMs: number): Promise<BootstrapCredential> {
    const password = randomBytes(PASSWORD_BYTES).toString('base64url');
    const passwordVerifier = await makePasswordVerifier(password, this.#passwordScheme);
    const effective = this.#clock.now();
    const expiration = new Date(effective.getTime() + durationMs);
    const name = bootstrapAccountName(this.snapshot().self.name);
    const account: Account = { name, kind: 'bootstrap', passwordVerifier, effective, expiration, superseded: false };
    await this.changeScene((scene) => planExport(scene, account));
    return { userName: accountView.toEntry(account, this.layout.services).dn, password, effective, expiration };
  }

  /** Deletes what EdgeSync brought and every account; the Edge is on its own again. Throws Problem `not-subscribed`. */
  async removeSubscription(): Promise<void> {
    await this.changeScene((scene) => planWipe(scene));
    await removeRecipients(this.#directory, this.layout.recipients);
  }

  /**
   * Whether an address is one of the organization's; asked at RCPT. Throws Problem `recipients-not-here` while EdgeSync has not
   * brought them, and what the directory throws: who cannot be looked up must not be refused for good.
   */
  async isKnownRecipient(mailbox: Mailbox): Promise<boolean> {
    if (await this.#recipientLookup.isKnown(mailbox)) return true;
    const { name, edgeSyncCookies = [] } = this.snapshot().self;
    if ((findCookie(edgeSyncCookies, 'Recipients')?.version ?? 0) > 0) return false;
    throw new Problem(
      'recipients-not-here',
      `EdgeSync has not brought the recipients to ${name} yet: run Start-EdgeSynchronization on the Hub, or Set-RecipientFilterConfig -RecipientValidationEnabled $false here until it has`,
    );
  }

  /** Whether EdgeSync has brought any recipient; throws what the directory throws. */
  async hasRecipients(): Promise<boolean> {
    return !(await this.#recipientLookup.isEmpty());
  }

  /** The Edge's own affair, on a subscribed Edge too. */
  setRecipientFilter(config: RecipientFilterConfig): Promise<void> {
    return this.changeScene((scene) => planRecipientFilter(scene, config));
  }

  override close(): void {
    this.#recipientLookup.close();
    super.close();
  }

  /** Ends accounts whose time is up, and the bootstrap account once it has a successor, see planAccountEnds. */
  endAccounts(): Promise<void> {
    return this.changeScene((scene) => planAccountEnds(scene, this.#clock.now()));
  }

  /** A replication account has bound: unless it is older than the last export, the bootstrap account is at its end. */
  endBootstrap(account: Account): Promise<void> {
    return this.changeScene((scene) => planBootstrapEnd(scene, account));
  }
}

function refuseSubscribed({ subscriptionState }: AdamSnapshot): void {
  if (subscriptionState === 'NotSubscribed') return;
  throw new Problem(
    'edge-subscribed',
    'this Edge is subscribed: Send connectors and accepted domains are changed on a hub and brought here by EdgeSync',
  );
}
