// Looks after this server's own certificates and those of its peers on record: says in events when one is missing, will
// expire soon or has expired. Looks at start, when store or directory change, each day, when a warning is due, and at the very
// end of each certificate.

import type { Cancel, Clock } from '../clock.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { CertificateStore } from '../tls/certificate-store.ts';
import { type CertificatesHeld, certificatesOnRecord } from '../tls/on-record.ts';
import type { EventLog } from '../tracking/event-log.ts';
import { createEvent } from '../tracking/events.ts';
import { offerStartTls } from '../trust/reception.ts';
import type { TrustSettings } from '../trust/tls-policy.ts';
import { type ExpiryWarnings, untilNextThreshold } from './expiry-warnings.ts';

const DAY_MS = 86_400_000;

export interface CertificateWatchOptions {
  readonly clock: Clock;
  readonly store: CertificateStore;
  readonly events: EventLog;
  readonly warnings: ExpiryWarnings;
  /** Whose certificates are on record here. */
  readonly peers: () => readonly (CertificatesHeld & { readonly fqdn: string })[];
  /** Calls the listener when the peers may have changed. */
  readonly onPeersChange: (listener: () => void) => Cancel;
  readonly fqdn: string;
  readonly connectorName: string;
  readonly settings: () => TrustSettings;
}

/** Starts watching; call what it returns to stop. */
export function watchCertificates(options: CertificateWatchOptions): Cancel {
  const { clock, store } = options;
  let cancelTimer: Cancel = () => {};
  const look = (): void => {
    cancelTimer();
    // One moment for both: a certificate that ended between the two would be neither reported nor waited for.
    const now = clock.now();
    reportCertificates(options, now);
    const own = store.list().map(({ certificate }) => certificate);
    const watched = [...own, ...peerCertificates(options, now).map(({ certificate }) => certificate)];
    const waits = watched.map((certificate) => untilNextThreshold(certificate, now) ?? DAY_MS);
    cancelTimer = clock.schedule(Math.min(DAY_MS, ...waits), look);
  };
  const cancels = [store.onChange(look), options.onPeersChange(look)];
  look();
  return () => {
    cancelTimer();
    for (const cancel of cancels) cancel();
  };
}

function reportCertificates(options: CertificateWatchOptions, now: Date): void {
  const { store, fqdn } = options;
  reportInternal(options, store.internalTransport()?.certificate, now);
  reportShown(options, store.selectFor({ connectorFqdn: fqdn, serverFqdn: fqdn, now })?.certificate, now);
  for (const { server, certificate } of peerCertificates(options, now))
    options.warnings.warn({ of: 'peer', certificate, server }, now);
}

/** The certificates of peers that are, or will be, shown; the previous ones are on their way out. */
function peerCertificates(
  { peers }: CertificateWatchOptions,
  now: Date,
): { readonly server: string; readonly certificate: Certificate }[] {
  return peers().flatMap((peer) =>
    certificatesOnRecord(peer, now)
      .filter(({ part }) => part !== 'previous')
      .map(({ certificate }) => ({ server: peer.fqdn, certificate })),
  );
}

/** The certificate of direct trust. */
function reportInternal(
  { events, warnings }: CertificateWatchOptions,
  certificate: Certificate | undefined,
  now: Date,
): void {
  if (!certificate) return;
  const { thumbprint, notAfter } = certificate;
  if (now > notAfter) events.record(createEvent('InternalTransportCertificateExpired', { thumbprint, notAfter }));
  warnings.warn({ of: 'internal', certificate }, now);
}

/** The certificate that a client without SNI sees. */
function reportShown(options: CertificateWatchOptions, certificate: Certificate | undefined, now: Date): void {
  const { events, fqdn, connectorName, settings } = options;
  if (!offerStartTls(certificate, settings(), now).offered) {
    events.record(createEvent('CannotLoadSTARTTLSCertificateFromStore', { fqdn, connector: connectorName }));
  }
  if (!certificate) return;
  const { thumbprint, notAfter } = certificate;
  if (now > notAfter) events.record(createEvent('STARTTLSCertificateExpired', { fqdn, thumbprint, notAfter }));
  options.warnings.warn({ of: 'starttls', certificate }, now);
}
