// Looks after this server's own certificates: says in events when one is missing, will expire soon or has expired. Looks
// at start, when the store changes, each day, and at the very end of each certificate.

import type { Cancel, Clock } from '../clock.ts';
import type { CertificateStore } from '../tls/certificate-store.ts';
import type { EventLog } from '../tracking/event-log.ts';
import { createEvent } from '../tracking/events.ts';

const DAY_MS = 86_400_000;
/** Exchange's own threshold is not documented; a month is what administrators ask for. */
const WARN_DAYS = 30;

export interface CertificateWatchOptions {
  readonly clock: Clock;
  readonly store: CertificateStore;
  readonly events: EventLog;
  readonly fqdn: string;
  readonly connectorName: string;
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

function reportCertificates({ clock, store, events, fqdn, connectorName }: CertificateWatchOptions): void {
  const now = clock.now();
  const internal = store.internalTransport()?.certificate;
  const shown = store.selectFor({ connectorFqdn: fqdn, serverFqdn: fqdn, now })?.certificate;
  if (!shown) events.record(createEvent('CannotLoadSTARTTLSCertificateFromStore', { fqdn, connector: connectorName }));
  if (shown && now > shown.notAfter) {
    events.record(
      createEvent('STARTTLSCertificateExpired', { fqdn, thumbprint: shown.thumbprint, notAfter: shown.notAfter }),
    );
    events.record(createEvent('CannotLoadSTARTTLSCertificateFromStore', { fqdn, connector: connectorName }));
  }
  if (internal && now > internal.notAfter) {
    events.record(
      createEvent('InternalTransportCertificateExpired', {
        thumbprint: internal.thumbprint,
        notAfter: internal.notAfter,
      }),
    );
  }
  if (internal && isDueSoon(internal.notAfter, now)) {
    events.record(
      createEvent('InternalTransportCertificateExpiresSoon', {
        thumbprint: internal.thumbprint,
        notAfter: internal.notAfter,
      }),
    );
  }
  if (shown && isDueSoon(shown.notAfter, now)) {
    const hoursRemaining = Math.floor((shown.notAfter.getTime() - now.getTime()) / 3_600_000);
    events.record(
      createEvent('STARTTLSCertificateExpiresSoon', {
        subject: shown.subject,
        thumbprint: shown.thumbprint,
        hoursRemaining,
      }),
    );
  }
}

function isDueSoon(notAfter: Date, now: Date): boolean {
  const leftMs = notAfter.getTime() - now.getTime();
  return leftMs >= 0 && leftMs < WARN_DAYS * DAY_MS;
}
