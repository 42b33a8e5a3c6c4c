// -Staged of New- and Enable-ExchangeCertificate, and what the other certificate cmdlets say of it.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { enableExchangeCertificate } from '../../../src/cmdlets/enable-exchange-certificate.ts';
import { getExchangeCertificate } from '../../../src/cmdlets/get-exchange-certificate.ts';
import { importExchangeCertificate } from '../../../src/cmdlets/import-exchange-certificate.ts';
import { newExchangeCertificate } from '../../../src/cmdlets/new-exchange-certificate.ts';
import { removeExchangeCertificate } from '../../../src/cmdlets/remove-exchange-certificate.ts';
import type { RenewalState } from '../../../src/directory/certificate-renewal.ts';
import { reissue } from '../../helpers/reissue.ts';
import { makeCertificate } from '../directory/fixtures.ts';
import { CertificateFixture, FQDN, thumbprintOf } from './certificate-context.ts';

describe('-Staged', () => {
  let fixture: CertificateFixture;
  let state: RenewalState;
  let isAway: boolean;
  const events: string[] = [];

  beforeEach(async () => {
    fixture = new CertificateFixture('hub');
    isAway = false;
    events.splice(0);
    state = { certificate: (await fixture.addDefault()).certificate };
    const activeDirectory = {
      snapshot: () => ({
        self: { name: 'HUB01', role: 'HubTransport', ...state },
        edges: [{ name: 'EDGE01' }],
        hubs: [{ name: 'HUB01' }],
      }),
      renewCertificate: (change: (self: RenewalState) => RenewalState) => {
        if (isAway) return Promise.reject(new Error('the directory is away'));
        state = change(state);
        return Promise.resolve();
      },
    };
    const record = ({ message }: { message: string }): void => void events.push(message);
    Object.assign(fixture.context, { hub: { activeDirectory }, events: { record } });
  });
  afterEach(() => fixture.remove());

  it('makes the next certificate and leaves the present one serving', async () => {
    const { records, notices, warnings } = await fixture.run(newExchangeCertificate, {
      Staged: 'true',
      GracePeriod: '2d',
    });
    const thumbprint = thumbprintOf(records);
    expect(state).toMatchObject({ nextCertificate: { thumbprint }, gracePeriodS: 172_800 });
    expect(fixture.store.internalTransport()?.certificate).toBe(state.certificate);
    expect(fixture.store.get(thumbprint).services).toEqual([]);
    expect(notices?.join()).toContain('It takes over by itself once EDGE01 has it on record');
    expect(notices?.join()).toContain('for another 2.00:00:00');
    expect(warnings).toEqual([]);
    expect(events.join()).toContain(thumbprint);
    expect(newExchangeCertificate.confirm?.({ Staged: true })).toBeUndefined();
  });

  it('shows in Get-ExchangeCertificate what the certificate waits for', async () => {
    await fixture.run(newExchangeCertificate, { Staged: 'true' });
    const { records } = await fixture.run(getExchangeCertificate);
    expect(new Set(records.map((record) => record['Renewal']))).toEqual(
      new Set(['Current', 'Next: waiting for acknowledgement by EDGE01']),
    );
  });

  it('takes an imported certificate by Enable-ExchangeCertificate', async () => {
    const { certificate } = await fixture.add({ fqdn: FQDN.hub });
    const typed = { Thumbprint: certificate.thumbprint, Services: 'SMTP', Staged: 'true' };
    await fixture.run(enableExchangeCertificate, typed);
    expect(state).toMatchObject({ nextCertificate: { thumbprint: certificate.thumbprint }, gracePeriodS: 604_800 });
    expect(fixture.store.internalTransport()?.certificate).toBe(state.certificate);
  });

  it('replaces one that was staged before, and says so', async () => {
    const first = thumbprintOf((await fixture.run(newExchangeCertificate, { Staged: 'true' })).records);
    const { records, warnings } = await fixture.run(newExchangeCertificate, { Staged: 'true' });
    expect(warnings).toEqual([`${first}, which was staged before, no longer is`]);
    expect(state.nextCertificate?.thumbprint).toBe(thumbprintOf(records));
  });

  it('leaves no certificate behind when the directory does not take it', async () => {
    isAway = true;
    await expect(fixture.run(newExchangeCertificate, { Staged: 'true' })).rejects.toThrow('the directory is away');
    expect(fixture.store.list()).toHaveLength(1);
  });

  it('is given up by removing the certificate', async () => {
    const thumbprint = thumbprintOf((await fixture.run(newExchangeCertificate, { Staged: 'true' })).records);
    const { notices } = await fixture.run(removeExchangeCertificate, { Thumbprint: thumbprint });
    expect(notices).toEqual(['It was staged: the staged renewal is given up.']);
    expect(state.nextCertificate).toBeUndefined();
  });

  it('is given up when another certificate takes the place at once, which a warning says', async () => {
    const staged = thumbprintOf((await fixture.run(newExchangeCertificate, { Staged: 'true' })).records);
    const { warnings } = await fixture.run(newExchangeCertificate);
    expect(warnings?.join()).toContain(`the staged renewal by ${staged} is given up`);
  });

  const CONFLICTS: readonly [string, Record<string, string>, RegExp][] = [
    ['a request', { Staged: 'true', GenerateRequest: 'true' }, /import the answer to the request/],
    ['-Services None', { Staged: 'true', Services: 'None' }, /leave -Services None out/],
    ['-GracePeriod alone', { GracePeriod: '2d' }, /-GracePeriod goes with -Staged/],
    ['a grace period of nothing', { Staged: 'true', GracePeriod: '0s' }, /must be a second or more/],
    ['names that are not the server', { Staged: 'true', DomainName: 'mail.contoso.test' }, /does not name hub01/],
  ];

  it.each(CONFLICTS)('is refused in one sentence with %s', async (_what, typed, sentence) => {
    await expect(fixture.run(newExchangeCertificate, typed)).rejects.toThrow(sentence);
    expect(fixture.store.list()).toHaveLength(1);
    expect(state.nextCertificate).toBeUndefined();
  });

  it('is refused for the present certificate, one of another server and one that has expired', async () => {
    const stage = (thumbprint: string) =>
      fixture.run(enableExchangeCertificate, { Thumbprint: thumbprint, Services: 'SMTP', Staged: 'true' });
    await expect(stage(state.certificate?.thumbprint ?? '')).rejects.toThrow(
      /is the internal transport certificate already/,
    );
    const { certificate } = await fixture.add({ fqdn: FQDN.hub });
    fixture.peers.push({ name: 'EDGE01', fqdn: FQDN.edge, certificate });
    await expect(stage(certificate.thumbprint)).rejects.toMatchObject({ code: 'certificate-on-two-servers' });
    const expired = await fixture.add({ fqdn: FQDN.hub, notBefore: new Date('2020-01-01') });
    await expect(stage(expired.certificate.thumbprint)).rejects.toThrow(/mail would go in clear/);
  });

  it('is what Import-ExchangeCertificate recommends for a certificate that names this server', async () => {
    const { certificate } = await fixture.add({ fqdn: FQDN.hub, exportable: true });
    const pair = fixture.store.exportPrivateKey(certificate.thumbprint);
    fixture.store.remove(certificate.thumbprint);
    const files = { FileName: Buffer.from(pair.certificate.pem + pair.privateKeyPem) };
    const { notices } = await fixture.run(importExchangeCertificate, {}, { files });
    expect(notices?.join()).toMatch(/-Services SMTP -Staged \(the other side then has it on record/);
  });

  it('is what a certificate for the key of the present one calls for, by name', async () => {
    const internal = fixture.store.internalTransport()?.certificate;
    fixture.peers.push({ name: 'EDGE01', fqdn: FQDN.edge, certificate: makeCertificate(FQDN.edge) });
    const { privateKeyPem } = fixture.store.keyPair(internal?.thumbprint ?? '');
    const files = { FileName: Buffer.from(reissue(privateKeyPem, FQDN.hub)) };
    const { records, notices } = await fixture.run(importExchangeCertificate, {}, { files });
    expect(notices?.join()).toContain('same-key-reissued');
    const enable = { Thumbprint: thumbprintOf(records), Services: 'SMTP' };
    const { warnings } = await fixture.run(enableExchangeCertificate, enable);
    expect(warnings?.join()).toMatch(/same-key-reissued.*with -Staged no mail would wait/);
    expect(fixture.store.internalTransport()?.certificate).not.toBe(internal);
  });
});
