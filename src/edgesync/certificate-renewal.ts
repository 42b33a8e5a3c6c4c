// Looks after the certificates on a server's own object in its directory, Hub and Edge alike: publishes the one that the server
// uses, lets a staged one take over once it may, withdraws the previous one when its grace period is over. All of it is read
// from directory and certificate store at every look, so a process that is killed between any two steps goes on from there.
// A takeover is written into the store first: whatever the store says is what the server shows, and the directory follows.

import type { Cancel, Clock } from '../clock.ts';
import {
  publishCertificate,
  type RenewalState,
  unstageCertificate,
  withdrawPrevious,
} from '../directory/certificate-renewal.ts';
import type { OrganizationSnapshot } from '../directory/organization.ts';
import type { OrganizationDirectory } from '../directory/organization-directory.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import { Recurrence } from '../recurrence.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { CertificateStore } from '../tls/certificate-store.ts';
import type { EventLog } from '../tracking/event-log.ts';
import { createEvent } from '../tracking/events.ts';
import { readinessOf } from './renewal-readiness.ts';

export interface CertificateRenewalOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly events: EventLog;
  readonly store: CertificateStore;
  readonly directory: Pick<
    OrganizationDirectory<OrganizationSnapshot>,
    'snapshot' | 'isStale' | 'onChange' | 'renewCertificate'
  >;
}

/** After a directory that could not be written, and as the longest wait between two looks. */
const RETRY_MS = 30_000;
const LONGEST_WAIT_MS = 86_400_000;

/** Owns its looks and what it hears of store and directory. */
export class CertificateRenewal {
  readonly #cancels: readonly Cancel[];
  readonly #looks: Recurrence;

  /**
   * The directory says what the server uses when this resolves; throws what the directory throws. One that is away is told
   * when it is back.
   */
  static async open(options: CertificateRenewalOptions): Promise<CertificateRenewal> {
    if (!options.directory.isStale) await publish(options);
    const renewal = new CertificateRenewal(options);
    await renewal.look();
    return renewal;
  }

  private constructor(options: CertificateRenewalOptions) {
    const { clock, directory, log, store } = options;
    this.#looks = new Recurrence({
      clock,
      look: async () => {
        takeOver(options);
        await publish(options);
        return waitOf(options);
      },
      failed: (error) => {
        log.error({ error: messageOf(error) }, "the certificate could not be published on this server's own object");
        return RETRY_MS;
      },
    });
    this.#cancels = [store.onChange(() => void this.look()), directory.onChange(() => void this.look())];
  }

  /** Does what is due now; never rejects. Looks come one after the other. */
  look(): Promise<void> {
    return this.#looks.look();
  }

  close(): void {
    this.#looks.close();
    for (const cancel of this.#cancels) cancel();
  }
}

/** Lets the staged certificate serve once nothing stands in its way. */
function takeOver({ clock, directory, store }: CertificateRenewalOptions): void {
  const snapshot = directory.snapshot();
  const { nextCertificate } = snapshot.self;
  if (!nextCertificate || readinessOf(snapshot, clock.now()).kind !== 'ready') return;
  const { thumbprint } = nextCertificate;
  if (!isServable(store, thumbprint)) return;
  store.enable(thumbprint, 'SMTP');
  store.setInternalTransport(thumbprint);
}

function isServable(store: CertificateStore, thumbprint: string): boolean {
  return store.has(thumbprint) && !store.get(thumbprint).pendingRequest;
}

/** Brings the own object to what the store says, and says so where something came to its end. */
async function publish(options: CertificateRenewalOptions): Promise<void> {
  const { directory } = options;
  const before = directory.snapshot().self;
  const wanted = wantedNow(options, before);
  if (isSameState(before, wanted)) return;
  await directory.renewCertificate((self) => wantedNow(options, self));
  report(options, before, wanted);
}

function wantedNow({ clock, store }: CertificateRenewalOptions, self: RenewalState): RenewalState {
  const now = clock.now();
  const { nextCertificate } = self;
  // Without its key it could never take over.
  const isLost = nextCertificate !== undefined && !isServable(store, nextCertificate.thumbprint);
  const possible = isLost ? unstageCertificate(self) : self;
  return withdrawPrevious(publishCertificate(possible, store.internalTransport()?.certificate, now), now);
}

function isSameState(a: RenewalState, b: RenewalState): boolean {
  const parts = ['certificate', 'nextCertificate', 'previousCertificate'] as const;
  return parts.every((part) => a[part]?.sha256 === b[part]?.sha256);
}

function report({ events }: CertificateRenewalOptions, before: RenewalState, after: RenewalState): void {
  const { certificate, previousCertificate, previousUntil } = after;
  if (isTakenOver(before, certificate) && previousCertificate && previousUntil) {
    const previous = previousCertificate.thumbprint;
    events.record(createEvent('CertificateTakenOver', { thumbprint: certificate.thumbprint, previous, previousUntil }));
  }
  if (before.previousCertificate && !previousCertificate) {
    const { thumbprint } = before.previousCertificate;
    events.record(createEvent('PreviousCertificateWithdrawn', { thumbprint }));
  }
}

function isTakenOver(before: RenewalState, certificate: Certificate | undefined): certificate is Certificate {
  return certificate !== undefined && before.nextCertificate?.sha256 === certificate.sha256;
}

/** Until the next moment at which time alone changes something, in milliseconds. */
function waitOf({ clock, directory }: CertificateRenewalOptions): number {
  const now = clock.now();
  const snapshot = directory.snapshot();
  const readiness = readinessOf(snapshot, now);
  const moments = [snapshot.self.previousUntil, readiness.kind === 'settling' ? readiness.until : undefined];
  const waits = moments.map((moment) => (moment ? moment.getTime() - now.getTime() : LONGEST_WAIT_MS));
  return Math.max(0, Math.min(LONGEST_WAIT_MS, ...waits));
}
