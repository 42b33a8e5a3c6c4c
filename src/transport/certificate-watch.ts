// Looks after this server's own certificates: says in events when one is missing, will expire soon or has expired. Looks
// at start, when the store changes, each day, and at the very end of each certificate.

import type { Cancel, Clock } from '../clock.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { CertificateStore } from '../tls/certificate-store.ts';
import type { EventLog } from '../tracking/event-log.ts';
import { createEvent } from '../tracking/events.ts';
import { offerStartTls } from '../trust/reception.ts';
import type { TrustSettings } from '../trust/tls-policy.ts';

const DAY_MS = 86_400_000;
/** Exchange's own threshold is not documented; a month is what administrators ask for. */
const WARN_DAYS = 30;

export interface CertificateWatchOptions {
  readonly clock: Clock;
  readonly store: CertificateStore;
  readonly events: EventLog;
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
    reportCertificates(options);
    const ends = store.list().map(({ certificate }) => certificate.notAfter.getTime() - clock.now().getTime() + 1);
    cancelTimer = clock.schedule(Math.min(DAY_MS, ...ends.filter((ms) => ms > 0)), look);
  };
  const cancelChange = store.onChange(look);
  look();
  return () => {
    cancelTimer();
    cancelChange();
  };
}

function reportCertificates(options: CertificateWatchOptions): void {
  const { clock, store, fqdn } = options;
  const now = clock.now();
  reportInternal(options, store.internalTransport()?.certificate, now);
  reportShown(options, store.selectFor({ connectorFqdn: fqdn, serverFqdn: fqdn, now })?.certificate, now);
}

/** The certificate of direct trust. */
function reportInternal({ events }: CertificateWatchOptions, certificate: Certificate | undefined, now: Date): void {
  if (!certificate) return;
  const { thumbprint, notAfter } = certificate;
  if (now > notAfter) events.record(createEvent('InternalTransportCertificateExpired', { thumbprint, notAfter }));
  if (isDueSoon(notAfter, now))
    events.record(createEvent('InternalTransportCertificateExpiresSoon', { thumbprint, notAfter }));
}

/** The certificate that a client without SNI sees. */
function reportShown(options: CertificateWatchOptions, certificate: Certificate | undefined, now: Date): void {
  const { events, fqdn, connectorName, settings } = options;
  if (!offerStartTls(certificate, settings(), now).offered) {
    events.record(createEvent('CannotLoadSTARTTLSCertificateFromStore', { fqdn, connector: connectorName }));
  }
  if (!certificate) return;
  const { thumbprint, notAfter, subject } = certificate;
  if (now > notAfter) events.record(createEvent('STARTTLSCertificateExpired', { fqdn, thumbprint, notAfter }));
  const hoursRemaining = Math.floor((notAfter.getTime() - now.getTime()) / 3_600_000);
  if (isDueSoon(notAfter, now))
    events.record(createEvent('STARTTLSCertificateExpiresSoon', { subject, thumbprint, hoursRemaining }));
}

function isDueSoon(notAfter: Date, now: Date): boolean {
  const leftMs = notAfter.getTime() - now.getTime();
  return leftMs >= 0 && leftMs < WARN_DAYS * DAY_MS;
}
