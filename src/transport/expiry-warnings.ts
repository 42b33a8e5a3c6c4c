// Warns before a certificate ends: when 30, 14, 7 and 1 days are left, each once for each certificate. What was said is read
// back from the event log at start, so that a restart does not say it again. A server that was down over one of these moments
// says the next one that has been reached, not those it missed.

import type { Certificate } from '../tls/certificate.ts';
import type { EventLog } from '../tracking/event-log.ts';
import { createEvent, EVENTS, type ServerEvent } from '../tracking/events.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const THRESHOLDS_DAYS = [30, 14, 7, 1] as const;

/** The events of this kind; each has the facts `thumbprint` and `thresholdDays`. */
const WARNINGS = [
  'InternalTransportCertificateExpiresSoon',
  'STARTTLSCertificateExpiresSoon',
  'RemoteCertificateExpiresSoon',
] as const;

/** What there is to say of one certificate. */
export type ExpiryWarning =
  | { readonly of: 'internal' | 'starttls'; readonly certificate: Certificate }
  | { readonly of: 'peer'; readonly certificate: Certificate; readonly server: string };

/** Owns the memory of what was said. */
export class ExpiryWarnings {
  readonly #events: EventLog;
  readonly #said: Set<string>;

  /** Reads back what was said before. */
  static async open(events: EventLog): Promise<ExpiryWarnings> {
    const records = await Promise.all(WARNINGS.map((name) => events.read({ id: EVENTS[name].id })));
    const said = records.flat().map(({ id, facts }) => keyOf(id, String(facts['thumbprint']), facts['thresholdDays']));
    return new ExpiryWarnings(events, new Set(said));
  }

  private constructor(events: EventLog, said: Set<string>) {
    this.#events = events;
    this.#said = said;
  }

  /** Says what is due of the certificate, unless it was said. */
  warn(warning: ExpiryWarning, now: Date): void {
    const { notAfter, thumbprint } = warning.certificate;
    const leftMs = notAfter.getTime() - now.getTime();
    const thresholdDays = thresholdReached(leftMs);
    if (thresholdDays === undefined) return;
    const event = describe(warning, { hoursRemaining: Math.floor(leftMs / HOUR_MS), thresholdDays });
    const key = keyOf(event.id, thumbprint, thresholdDays);
    if (this.#said.has(key)) return;
    this.#said.add(key);
    this.#events.record(event);
  }
}

/** Milliseconds until the certificate's next threshold or end; undefined when it has ended. */
export function untilNextThreshold({ notAfter }: Certificate, now: Date): number | undefined {
  const leftMs = notAfter.getTime() - now.getTime();
  const moments = [...THRESHOLDS_DAYS.map((days) => leftMs - days * DAY_MS), leftMs + 1].filter((ms) => ms > 0);
  return moments.length === 0 ? undefined : Math.min(...moments);
}

/** The lowest threshold that so much time is within; undefined outside all of them and after the end. */
function thresholdReached(leftMs: number): number | undefined {
  return leftMs < 0 ? undefined : THRESHOLDS_DAYS.findLast((days) => leftMs <= days * DAY_MS);
}

function describe(
  warning: ExpiryWarning,
  left: { readonly hoursRemaining: number; readonly thresholdDays: number },
): ServerEvent {
  const { thumbprint, notAfter, subject } = warning.certificate;
  if (warning.of === 'peer')
    return createEvent('RemoteCertificateExpiresSoon', { server: warning.server, thumbprint, notAfter, ...left });
  return warning.of === 'internal'
    ? createEvent('InternalTransportCertificateExpiresSoon', { thumbprint, notAfter, ...left })
    : createEvent('STARTTLSCertificateExpiresSoon', { subject, thumbprint, ...left });
}

function keyOf(id: number, thumbprint: string, thresholdDays: unknown): string {
  return `${id} ${thumbprint} ${String(thresholdDays)}`;
}
