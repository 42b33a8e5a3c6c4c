import { writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { importExchangeCertificate } from '../../../src/cmdlets/import-exchange-certificate.ts';
import { newExchangeCertificate } from '../../../src/cmdlets/new-exchange-certificate.ts';
import { parseCertificate } from '../../../src/tls/certificate.ts';
import { createEcCertificate } from '../../helpers/ec-certificate.ts';
import { answerRequest, hasOpenssl, makeAuthority, makeIssued, makeWorkbench, type Workbench } from '../tls/openssl.ts';
import { CertificateFixture, FQDN } from './certificate-context.ts';

const DAY_MS = 86_400_000;

describe('Import-ExchangeCertificate', () => {
  const ec = createEcCertificate('mail.contoso.test');
  const pem = Buffer.from(ec.certificatePem + ec.privateKeyPem);
  let fixture: CertificateFixture;

  beforeEach(() => {
    fixture = new CertificateFixture('edge');
  });
  afterEach(() => fixture.remove());

  const importFile = (content: Buffer, typed: Record<string, string> = {}) =>
    fixture.run(importExchangeCertificate, typed, { files: { FileName: content } });

  it('is declared soundly', () => {
    expect(faultsOf(importExchangeCertificate)).toEqual([]);
  });

  it('stores a PEM pair that serves for nothing yet, and says how to enable it', async () => {
    const { records, notices, warnings } = await importFile(pem, { FriendlyName: 'Bought' });
    const { thumbprint } = parseCertificate(ec.certificatePem);
    expect(records).toMatchObject([{ Thumbprint: thumbprint, Services: 'None', PublicKeySize: 256, Status: 'Valid' }]);
    expect(notices?.join()).toContain(`Enable-ExchangeCertificate ${thumbprint} -Services SMTP`);
    expect(warnings).toEqual([]);
    expect(fixture.store.get(thumbprint)).toMatchObject({ privateKeyExportable: false, friendlyName: 'Bought' });
  });

  it('lets the key be exported later only when asked to', async () => {
    await importFile(pem, { PrivateKeyExportable: '$true' });
    expect(fixture.store.list()[0]?.privateKeyExportable).toBe(true);
  });

  it('warns of a certificate that has expired', async () => {
    fixture.clock.move(400 * DAY_MS);
    const { records, warnings } = await importFile(pem);
    expect(records).toMatchObject([{ Status: 'DateInvalid' }]);
    expect(warnings?.join()).toContain('expired on');
  });

  it('refuses a certificate that another server has on record, and stores nothing', async () => {
    const certificate = parseCertificate(ec.certificatePem);
    fixture.peers.push({ name: 'HUB01', fqdn: FQDN.hub, certificate });
    const refusal = importFile(pem);
    await expect(refusal).rejects.toMatchObject({ code: 'certificate-on-two-servers' });
    await expect(refusal).rejects.toThrow(/HUB01/);
    expect(fixture.store.list()).toEqual([]);
  });

  it.each([
    ['key-missing', Buffer.from(ec.certificatePem)],
    ['pfx-unreadable', Buffer.from('nonsense')],
  ])('refuses with %s', async (code, content) => {
    await expect(importFile(content)).rejects.toMatchObject({ code });
    expect(fixture.store.list()).toEqual([]);
  });

  describe.skipIf(!hasOpenssl)('with files made by openssl', () => {
    let bench: Workbench;

    beforeAll(() => {
      bench = makeWorkbench();
      makeAuthority(bench);
      makeIssued(bench, 'mail', 'rsa');
    });
    afterAll(() => bench.remove());

    it('reads a PFX with its chain by its password, and refuses a wrong one', async () => {
      const chain = Buffer.concat([bench.read('issuing.pem'), bench.read('root.pem')]);
      writeFileSync(bench.path('chain.pem'), chain);
      const key = ['-inkey', 'mail.key', '-in', 'mail.pem', '-certfile', 'chain.pem'];
      bench.run('pkcs12', '-export', ...key, '-passout', 'pass:secret', '-out', 'mail.pfx');
      const file = bench.read('mail.pfx');
      await expect(importFile(file, { Password: 'wrong' })).rejects.toMatchObject({ code: 'pfx-password-wrong' });
      const { records } = await importFile(file, { Password: 'secret' });
      expect(records).toMatchObject([{ Subject: 'CN=mail', RootCAType: 'Enterprise', IsSelfSigned: false }]);
      expect(fixture.store.list()[0]?.chain).toHaveLength(2);
    });

    it("completes the pending request that an authority's answer belongs to", async () => {
      const asked = await fixture.run(newExchangeCertificate, {
        GenerateRequest: 'true',
        DomainName: 'mail.contoso.test,edge01.contoso.test',
        Path: 'answer.csr',
        FriendlyName: 'Asked for',
      });
      writeFileSync(bench.path('answer.csr'), asked.files?.[0]?.content ?? '');
      answerRequest(bench, 'answer', 'issuing');
      const { records, warnings } = await importFile(bench.read('answer.pem'), { FriendlyName: 'Too late' });
      expect(records).toMatchObject([
        { Status: 'Valid', CertificateDomains: ['mail.contoso.test', 'edge01.contoso.test'], HasPrivateKey: true },
      ]);
      expect(fixture.store.list()).toMatchObject([{ friendlyName: 'Asked for', pendingRequest: false }]);
      expect(warnings?.join()).toContain('settled when the request was made');
    });
  });
});
