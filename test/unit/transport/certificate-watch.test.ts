import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../../src/tls/certificate.ts';
import type { CertificateStore } from '../../../src/tls/certificate-store.ts';
import type { EventLog } from '../../../src/tracking/event-log.ts';
import { watchCertificates } from '../../../src/transport/certificate-watch.ts';
import { HandClock } from '../../helpers/hand-clock.ts';

const START = new Date('2026-01-01T00:00:00.000Z');
const DAY_MS = 86_400_000;

function makeCertificate(days: number): Certificate {
  return {
    thumbprint: `T${days}`,
    subject: 'CN=HUB01',
    notBefore: new Date(START.getTime() - DAY_MS),
    notAfter: new Date(START.getTime() + days * DAY_MS),
  } as unknown as Certificate;
}

function watch(first: Certificate | undefined) {
  const clock = new HandClock(START);
  const events: string[] = [];
  let certificate = first;
  let onChange = (): void => undefined;
  let cancelled = 0;
  const entry = () => certificate && { certificate };
  const store = {
    internalTransport: entry,
    selectFor: entry,
    list: () => (certificate ? [{ certificate }] : []),
    onChange: (listener: () => void) => {
      onChange = listener;
      return () => cancelled++;
    },
  };
  const log = { record: ({ symbolicName }: { symbolicName: string }) => void events.push(symbolicName) };
  const cancel = watchCertificates({
    clock,
    store: store as unknown as CertificateStore,
    events: log as unknown as EventLog,
    fqdn: 'hub01.contoso.test',
    settings: () => ({ expiredCertificate: 'Plaintext', untrustedCertificate: 'Defer' }),
    connectorName: 'Default HUB01',
  });
  return {
    clock,
    /** What was recorded since the last time. */
    read: () => events.splice(0),
    replace: (by: Certificate) => {
      certificate = by;
      onChange();
    },
    cancel,
    cancelled: () => cancelled,
  };
}

describe('watchCertificates', () => {
  it('says nothing while all is well', () => {
    const { clock, read } = watch(makeCertificate(365));
    clock.advance(300 * DAY_MS);
    expect(read()).toEqual([]);
  });

  it('says at once that there is none', () => {
    expect(watch(undefined).read()).toEqual(['CannotLoadSTARTTLSCertificateFromStore']);
  });

  it('warns in the last thirty days, each day', () => {
    const { clock, read } = watch(makeCertificate(32));
    clock.advance(2 * DAY_MS);
    expect(read()).toEqual([]);
    clock.advance(DAY_MS);
    expect(read()).toEqual(['InternalTransportCertificateExpiresSoon', 'STARTTLSCertificateExpiresSoon']);
  });

  it('says so at the very end, not up to a day later', () => {
    const { clock, read } = watch(makeCertificate(1.5));
    clock.advance(1.5 * DAY_MS);
    read();
    clock.advance(1);
    expect(read()).toEqual([
      'InternalTransportCertificateExpired',
      'CannotLoadSTARTTLSCertificateFromStore',
      'STARTTLSCertificateExpired',
    ]);
  });

  it('looks again when the store changes', () => {
    const { clock, read, replace } = watch(makeCertificate(10));
    read();
    replace(makeCertificate(365));
    clock.advance(DAY_MS);
    expect(read()).toEqual([]);
  });

  it('stops', () => {
    const { clock, cancel, cancelled } = watch(makeCertificate(10));
    cancel();
    expect([clock.appointments, cancelled()]).toEqual([0, 1]);
  });
});
