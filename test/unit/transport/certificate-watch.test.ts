import { describe, expect, it } from 'vitest';
import type { Certificate } from '../../../src/tls/certificate.ts';
import type { CertificateStore } from '../../../src/tls/certificate-store.ts';
import type { EventLog } from '../../../src/tracking/event-log.ts';
import type { ServerEvent } from '../../../src/tracking/events.ts';
import type { CertificateAside } from '../../../src/tls/on-record.ts';
import { ExpiryWarnings } from '../../../src/transport/expiry-warnings.ts';
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

async function watch(first: Certificate | undefined, said: object[] = []) {
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
  const full: ServerEvent[] = [];
  const log = {
    record: (event: ServerEvent) => {
      events.push(event.symbolicName);
      full.push(event);
    },
    read: ({ id }: { id: number }) => Promise.resolve(said.filter((record) => (record as { id: number }).id === id)),
  } as unknown as EventLog;
  let peers: { fqdn: string; certificate: Certificate; others?: CertificateAside[] }[] = [];
  let onPeersChange = (): void => undefined;
  const cancel = watchCertificates({
    clock,
    store: store as unknown as CertificateStore,
    events: log,
    warnings: await ExpiryWarnings.open(log),
    peers: () => peers,
    onPeersChange: (listener: () => void) => {
      onPeersChange = listener;
      return () => cancelled++;
    },
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
    /** Everything recorded so far. */
    full,
    setPeers: (now: typeof peers) => {
      peers = now;
      onPeersChange();
    },
    cancel,
    cancelled: () => cancelled,
  };
}

const SOON = ['InternalTransportCertificateExpiresSoon', 'STARTTLSCertificateExpiresSoon'];

describe('watchCertificates', () => {
  it('says nothing while all is well', async () => {
    const { clock, read } = await watch(makeCertificate(365));
    clock.advance(300 * DAY_MS);
    expect(read()).toEqual([]);
  });

  it('says at once that there is none', async () => {
    expect((await watch(undefined)).read()).toEqual(['CannotLoadSTARTTLSCertificateFromStore']);
  });

  it('warns when 30, 14, 7 and 1 days are left, each once, with the hours', async () => {
    const { clock, read, full } = await watch(makeCertificate(40));
    const days: number[] = [];
    for (let day = 1; day < 40; day++) {
      clock.advance(DAY_MS);
      const said = read();
      if (said.length > 0) {
        days.push(40 - day);
        expect(said).toEqual(SOON);
      }
    }
    expect(days).toEqual([30, 14, 7, 1]);
    const internal = full.filter(({ symbolicName }) => symbolicName === SOON[0]);
    expect(internal.map(({ facts }) => facts['hoursRemaining'])).toEqual([720, 336, 168, 24]);
    expect(internal.map(({ message }) => /expires in \d+ hours/.test(message))).toEqual([true, true, true, true]);
  });

  it('says the threshold that has been reached, not those that were missed', async () => {
    const { full } = await watch(makeCertificate(5));
    expect(full.map(({ facts }) => facts['thresholdDays'])).toEqual([7, 7]);
  });

  it('does not say again after a restart what stands in the event log', async () => {
    const first = await watch(makeCertificate(5));
    expect(first.read()).toEqual(SOON);
    const again = await watch(makeCertificate(5), first.full);
    expect(again.read()).toEqual([]);
    again.clock.advance(4 * DAY_MS);
    expect(again.read()).toEqual(SOON);
  });

  it('warns of the certificates of peers on record too, current and next, not of the previous one', async () => {
    const { clock, full, read, setPeers } = await watch(makeCertificate(365));
    setPeers([
      {
        fqdn: 'edge01.contoso.test',
        certificate: makeCertificate(20),
        others: [
          { part: 'next', certificate: makeCertificate(10) },
          { part: 'previous', certificate: makeCertificate(2), until: new Date(START.getTime() + DAY_MS) },
        ],
      },
    ]);
    expect(full.map(({ facts }) => [facts['server'], facts['thumbprint'], facts['thresholdDays']])).toEqual([
      ['edge01.contoso.test', 'T20', 30],
      ['edge01.contoso.test', 'T10', 14],
    ]);
    read();
    clock.advance(6 * DAY_MS);
    expect(read()).toEqual(['RemoteCertificateExpiresSoon', 'RemoteCertificateExpiresSoon']);
  });

  it('says so at the very end, not up to a day later', async () => {
    const { clock, read } = await watch(makeCertificate(1.5));
    clock.advance(1.5 * DAY_MS);
    read();
    clock.advance(1);
    expect(read()).toEqual([
      'InternalTransportCertificateExpired',
      'CannotLoadSTARTTLSCertificateFromStore',
      'STARTTLSCertificateExpired',
    ]);
  });

  it('says so as well when the end comes in the middle of a look', async () => {
    const { clock, read, replace } = await watch(makeCertificate(10));
    const certificate = makeCertificate(1);
    const readings = Array.from({ length: 20 }, (_none, index) => new Date(certificate.notAfter.getTime() + index));
    clock.now = () => readings.shift() ?? certificate.notAfter;
    replace(certificate);
    read();
    clock.advance(1);
    expect(read()).toContain('InternalTransportCertificateExpired');
  });

  it('looks again when the store changes', async () => {
    const { clock, read, replace } = await watch(makeCertificate(10));
    read();
    replace(makeCertificate(365));
    clock.advance(DAY_MS);
    expect(read()).toEqual([]);
  });

  it('stops', async () => {
    const { clock, cancel, cancelled } = await watch(makeCertificate(10));
    cancel();
    expect([clock.appointments, cancelled()]).toEqual([0, 2]);
  });
});
