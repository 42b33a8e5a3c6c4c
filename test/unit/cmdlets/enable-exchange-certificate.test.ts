import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { enableExchangeCertificate } from '../../../src/cmdlets/enable-exchange-certificate.ts';
import { createCertificateRequest } from '../../../src/tls/certificate-request.ts';
import { CertificateFixture, FQDN } from './certificate-context.ts';

const DAY_MS = 86_400_000;
const OWN = { netbiosName: 'EDGE01', fqdn: FQDN.edge };

describe('Enable-ExchangeCertificate', () => {
  let fixture: CertificateFixture;

  beforeEach(() => {
    fixture = new CertificateFixture('edge');
  });
  afterEach(() => fixture.remove());

  const enable = (Thumbprint: string) => fixture.run(enableExchangeCertificate, { Thumbprint, Services: 'SMTP' });

  it('is declared soundly and asks first', () => {
    expect(faultsOf(enableExchangeCertificate)).toEqual([]);
    expect(enableExchangeCertificate.confirm?.({})).toMatch(/^Overwrite the existing default SMTP certificate/);
  });

  it('publishes a certificate that names the server, and says what must follow', async () => {
    await fixture.addDefault();
    const { certificate } = await fixture.add(OWN);
    const { records, notices, warnings } = await enable(certificate.sha256);
    expect(records).toEqual([]);
    expect(fixture.store.internalTransport()).toMatchObject({ services: ['SMTP'], certificate });
    expect(notices?.join()).toContain('is now the internal transport certificate');
    expect(warnings?.join()).toContain('export a new Edge Subscription');
  });

  it('goes back to the old one in the same way', async () => {
    const old = await fixture.addDefault();
    const { certificate } = await fixture.add(OWN);
    await enable(certificate.thumbprint);
    await enable(old.certificate.thumbprint);
    expect(fixture.store.internalTransport()?.certificate.thumbprint).toBe(old.certificate.thumbprint);
  });

  it('has nothing to say when it is the internal transport certificate already', async () => {
    const { certificate } = await fixture.addDefault();
    expect(await enable(certificate.thumbprint)).toEqual({ records: [], notices: [], warnings: [] });
  });

  it('enables one for other names without publishing it, and says so', async () => {
    const old = await fixture.addDefault();
    const { certificate } = await fixture.add();
    const { notices, warnings } = await enable(certificate.thumbprint);
    expect(fixture.store.get(certificate.thumbprint).services).toEqual(['SMTP']);
    expect(fixture.store.internalTransport()?.certificate.thumbprint).toBe(old.certificate.thumbprint);
    expect(notices?.join()).toMatch(/does not name edge01.contoso.test: .* SNI/);
    expect(warnings).toEqual([]);
  });

  it.each([
    [400, 'expired on'],
    [-400, 'is not valid before'],
  ])('warns of one that is out of its dates with the clock moved by %d days', async (days, words) => {
    const { certificate } = await fixture.add();
    fixture.clock.move(days * DAY_MS);
    const { warnings } = await enable(certificate.thumbprint);
    expect(warnings?.join()).toContain(`${certificate.thumbprint} ${words}`);
    expect(fixture.store.get(certificate.thumbprint).services).toEqual(['SMTP']);
  });

  it('refuses one that another server has on record, and changes nothing', async () => {
    const { certificate } = await fixture.add(OWN);
    fixture.peers.push({ name: 'HUB01', fqdn: FQDN.hub, certificate });
    await expect(enable(certificate.thumbprint)).rejects.toMatchObject({ code: 'certificate-on-two-servers' });
    expect(fixture.store.get(certificate.thumbprint).services).toEqual([]);
  });

  it('refuses a pending request', async () => {
    const request = await createCertificateRequest({ domains: [FQDN.edge], notBefore: fixture.clock.now() });
    const { certificate } = fixture.store.addRequest(request);
    await expect(enable(certificate.thumbprint)).rejects.toMatchObject({ code: 'certificate-pending' });
  });
});
