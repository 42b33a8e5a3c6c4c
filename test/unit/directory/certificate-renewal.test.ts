import { describe, expect, it } from 'vitest';
import {
  acknowledge,
  findAcknowledgement,
  publishCertificate,
  type RenewalState,
  stageCertificate,
  unstageCertificate,
  withdrawPrevious,
} from '../../../src/directory/certificate-renewal.ts';
import { parseCertificateAcknowledgement } from '../../../src/directory/certificate-acknowledgement.ts';
import { heldBy, transportServerView } from '../../../src/directory/transport-server.ts';
import { certificatesOnRecord } from '../../../src/tls/on-record.ts';
import { makeCertificate } from './fixtures.ts';

const NOW = new Date('2026-06-01T00:00:00.000Z');
const DAY_MS = 86_400_000;
const after = (days: number): Date => new Date(NOW.getTime() + days * DAY_MS);
const [first, second, third] = ['hub01', 'hub02', 'hub03'].map(makeCertificate);
const self: RenewalState = { certificate: first };
const staged = stageCertificate(self, second!, { gracePeriodMs: 2 * DAY_MS, now: NOW });
const ack = { server: 'EDGE01', sha256: second!.sha256, at: NOW, effective: NOW };

function onRecord(state: RenewalState, now: Date): string[] {
  return certificatesOnRecord(heldBy(state), now).map(({ part }) => part);
}

describe('a staged renewal', () => {
  it('puts the next certificate on record beside the current one', () => {
    expect(staged).toMatchObject({
      certificate: first,
      nextCertificate: second,
      nextStagedAt: NOW,
      gracePeriodS: 172_800,
    });
    expect(onRecord(staged, after(400))).toEqual(['current', 'next']);
  });

  it('takes over when the server uses the next one, and keeps the old one for the grace period', () => {
    const renewed = publishCertificate(staged, second, after(1));
    expect(renewed).toMatchObject({ certificate: second, certificateSince: after(1), previousCertificate: first });
    expect(renewed.nextCertificate).toBeUndefined();
    expect(onRecord(renewed, new Date(after(3).getTime() - 1))).toEqual(['current', 'previous']);
    expect(onRecord(renewed, after(3))).toEqual(['current']);
    expect(withdrawPrevious(renewed, after(2)).previousCertificate).toBe(first);
    expect(withdrawPrevious(renewed, after(3)).previousCertificate).toBeUndefined();
  });

  it('changes nothing when a step is done again, however late', () => {
    const renewed = publishCertificate(staged, second, after(1));
    expect(publishCertificate(renewed, second, after(9))).toEqual(renewed);
    expect(stageCertificate(staged, second!, { gracePeriodMs: 2 * DAY_MS, now: after(5) })).toEqual(staged);
    const withdrawn = withdrawPrevious(renewed, after(9));
    expect(withdrawPrevious(withdrawn, after(10))).toEqual(withdrawn);
  });

  it('is off when another certificate takes the place of the current one at once', () => {
    const replaced = publishCertificate(staged, third, after(1));
    expect(replaced).toMatchObject({ certificate: third });
    expect(onRecord(replaced, after(1))).toEqual(['current']);
  });

  it('is replaced by a second one, and what was said of the first is forgotten', () => {
    const again = stageCertificate(acknowledge(staged, ack), third!, { gracePeriodMs: DAY_MS, now: after(1) });
    expect(again).toMatchObject({ nextCertificate: third, nextStagedAt: after(1) });
    expect(again.certificateAcknowledgements).toBeUndefined();
  });

  it('can be given up', () => {
    expect(onRecord(unstageCertificate(acknowledge(staged, ack)), NOW)).toEqual(['current']);
  });
});

describe('acknowledgements', () => {
  it('are one for each server and certificate, the last one counts', () => {
    const later = { ...ack, at: after(1), effective: after(1) };
    const both = acknowledge(acknowledge(acknowledge(staged, ack), { ...ack, server: 'EDGE02' }), later);
    expect(both.certificateAcknowledgements).toHaveLength(2);
    expect(findAcknowledgement(both, 'edge01', second!)).toEqual(later);
    expect(findAcknowledgement(both, 'EDGE01', first!)).toBeUndefined();
  });

  it('stay with the certificate when it takes over', () => {
    const renewed = publishCertificate(acknowledge(staged, ack), second, NOW);
    expect(findAcknowledgement(renewed, 'EDGE01', second!)).toEqual(ack);
  });

  it('survive the directory, and a text that is none is refused without being quoted', () => {
    const server = {
      name: 'HUB01',
      fqdn: 'h',
      role: 'HubTransport',
      credentials: [],
      ...acknowledge(staged, ack),
    } as const;
    const entry = transportServerView.toEntry(server, 'CN=Servers');
    expect(transportServerView.fromEntry(entry)).toMatchObject({
      nextStagedAt: NOW,
      gracePeriodS: 172_800,
      certificateAcknowledgements: [ack],
    });
    for (const text of ['', '{}', '{"server":"x","secret":"hunter2"}'])
      expect(() => parseCertificateAcknowledgement(text)).toThrow(/^not an acknowledgement of a certificate$/);
  });
});
