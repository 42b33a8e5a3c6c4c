import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { exportExchangeCertificate } from '../../../src/cmdlets/export-exchange-certificate.ts';
import { importPair } from '../../../src/tls/certificate-import.ts';
import { createCertificateRequest } from '../../../src/tls/certificate-request.ts';
import { CertificateFixture } from './certificate-context.ts';

describe('Export-ExchangeCertificate', () => {
  let fixture: CertificateFixture;

  beforeEach(() => {
    fixture = new CertificateFixture('hub');
  });
  afterEach(() => fixture.remove());

  const exportTo = (Thumbprint: string, typed: Record<string, string> = {}) =>
    fixture.run(exportExchangeCertificate, { Thumbprint, FileName: 'out.file', ...typed });

  it('is declared soundly', () => {
    expect(faultsOf(exportExchangeCertificate)).toEqual([]);
  });

  it('writes a PFX that opens with the password and holds the same pair', async () => {
    const { certificate } = await fixture.add({ exportable: true });
    const { files, notices, records } = await exportTo(certificate.thumbprint, { Password: 'p\u00e4ssword' });
    expect(files).toHaveLength(1);
    // No mode: the door's own is readable by the owner alone.
    expect(files?.[0]).not.toHaveProperty('mode');
    const pair = importPair(files?.[0]?.content ?? Buffer.alloc(0), 'p\u00e4ssword');
    expect(pair.certificate.der.equals(certificate.der)).toBe(true);
    expect(pair.privateKeyPem).toBe(fixture.store.keyPair(certificate.thumbprint).privateKeyPem);
    expect(records).toEqual([]);
    expect(notices?.join()).toContain('out.file holds');
    expect(JSON.stringify([notices, records])).not.toContain('p\u00e4ssword');
  });

  it('refuses to write a key without a password', async () => {
    const { certificate } = await fixture.add({ exportable: true });
    await expect(exportTo(certificate.thumbprint)).rejects.toMatchObject({ code: 'password-required' });
  });

  it('refuses a key that was not made exportable, with or without a password', async () => {
    const { certificate } = await fixture.add();
    for (const typed of [{}, { Password: 'secret' }]) {
      await expect(exportTo(certificate.thumbprint, typed)).rejects.toMatchObject({ code: 'key-not-exportable' });
    }
  });

  it('writes a pending request again, as PEM or as DER, without a password', async () => {
    const request = await createCertificateRequest({ domains: ['mail.contoso.test'], notBefore: fixture.clock.now() });
    const { certificate } = fixture.store.addRequest(request);
    const asPem = await exportTo(certificate.thumbprint);
    expect(asPem.files?.[0]?.content.toString()).toBe(request.requestPem);
    const asDer = await exportTo(certificate.sha256, { BinaryEncoded: 'true' });
    const body = request.requestPem.replaceAll(/-----[A-Z ]+-----|\s/g, '');
    expect(asDer.files?.[0]?.content.toString('base64')).toBe(body);
  });

  it('refuses one that is not there', async () => {
    await expect(exportTo('0'.repeat(40))).rejects.toMatchObject({ code: 'certificate-not-found' });
  });
});
