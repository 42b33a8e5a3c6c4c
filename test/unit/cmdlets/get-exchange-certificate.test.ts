import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { getExchangeCertificate } from '../../../src/cmdlets/get-exchange-certificate.ts';
import type { OutputRecord } from '../../../src/cmdlets/output.ts';
import { createCertificateRequest } from '../../../src/tls/certificate-request.ts';
import { CertificateFixture, FQDN } from './certificate-context.ts';

const DAY_MS = 86_400_000;

describe('Get-ExchangeCertificate', () => {
  let fixture: CertificateFixture;

  beforeEach(() => {
    fixture = new CertificateFixture('edge');
  });
  afterEach(() => fixture.remove());

  function lettersOf(record: OutputRecord | undefined): unknown {
    const [column] = getExchangeCertificate.table.filter((candidate) => typeof candidate !== 'string');
    return record && column?.value(record);
  }

  it('is declared soundly', () => {
    expect(faultsOf(getExchangeCertificate)).toEqual([]);
  });

  it("shows Exchange's properties in Exchange's order, and SHA-256 last", async () => {
    const { certificate } = await fixture.addDefault();
    const { records } = await fixture.run(getExchangeCertificate);
    expect(records).toEqual([
      {
        CertificateDomains: ['EDGE01', FQDN.edge],
        HasPrivateKey: true,
        IsSelfSigned: true,
        Issuer: 'CN=EDGE01',
        NotAfter: certificate.notAfter,
        NotBefore: certificate.notBefore,
        PublicKeySize: 2048,
        RootCAType: 'Registry',
        SerialNumber: certificate.serialNumber,
        Services: 'SMTP',
        Status: 'Valid',
        Subject: 'CN=EDGE01',
        Thumbprint: certificate.thumbprint,
        Sha256: certificate.sha256,
        Renewal: null,
      },
    ]);
    const [record] = records;
    expect(Object.keys(record ?? {}).join(' ')).toBe(
      'CertificateDomains HasPrivateKey IsSelfSigned Issuer NotAfter NotBefore PublicKeySize RootCAType SerialNumber Services Status Subject Thumbprint Sha256 Renewal',
    );
  });

  it('prints the services as letters', async () => {
    await fixture.addDefault();
    await fixture.add();
    const { records } = await fixture.run(getExchangeCertificate);
    const letters = Object.fromEntries(records.map((record) => [record['Subject'], lettersOf(record)]));
    expect(letters).toEqual({ 'CN=EDGE01': '....S', 'CN=OTHER': '.....' });
  });

  it('says DateInvalid once the clock has passed the end, and PendingRequest whatever the clock says', async () => {
    await fixture.addDefault();
    const request = await createCertificateRequest({ domains: ['mail.contoso.test'], notBefore: fixture.clock.now() });
    fixture.store.addRequest(request);
    const statuses = async () => {
      const { records } = await fixture.run(getExchangeCertificate);
      return Object.fromEntries(records.map((record) => [record['Subject'], record['Status']]));
    };
    expect(await statuses()).toEqual({ 'CN=EDGE01': 'Valid', 'CN=mail.contoso.test': 'PendingRequest' });
    fixture.clock.move(400 * DAY_MS);
    expect(await statuses()).toEqual({ 'CN=EDGE01': 'DateInvalid', 'CN=mail.contoso.test': 'PendingRequest' });
    fixture.clock.move(-800 * DAY_MS);
    expect(await statuses()).toEqual({ 'CN=EDGE01': 'DateInvalid', 'CN=mail.contoso.test': 'PendingRequest' });
  });

  it('finds one by either thumbprint, and refuses one that is not there', async () => {
    const { certificate } = await fixture.add();
    await fixture.addDefault();
    for (const thumbprint of [certificate.thumbprint.toLowerCase(), certificate.sha256]) {
      const { records } = await fixture.run(getExchangeCertificate, { Thumbprint: thumbprint });
      expect(records.map((record) => record['Thumbprint'])).toEqual([certificate.thumbprint]);
    }
    for (const thumbprint of ['0'.repeat(40), '0'.repeat(64)]) {
      await expect(fixture.run(getExchangeCertificate, { Thumbprint: thumbprint })).rejects.toMatchObject({
        code: 'certificate-not-found',
      });
    }
  });

  it.each([
    ['EDGE01.contoso.test', ['CN=EDGE01']],
    ['a.wild.test', ['CN=WILD']],
    ['*.wild.test', ['CN=WILD']],
    ['a.wild.test,edge01', ['CN=EDGE01', 'CN=WILD']],
    ['a.b.wild.test', []],
  ])('keeps those made out to %s', async (names, subjects) => {
    await fixture.addDefault();
    await fixture.add({ netbiosName: 'WILD', domains: ['*.wild.test'] });
    const { records } = await fixture.run(getExchangeCertificate, { DomainName: names });
    expect(new Set(records.map((record) => record['Subject']))).toEqual(new Set(subjects));
  });
});
