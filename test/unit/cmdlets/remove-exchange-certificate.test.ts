import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { faultsOf } from '../../../src/cmdlets/cmdlet.ts';
import { removeExchangeCertificate } from '../../../src/cmdlets/remove-exchange-certificate.ts';
import { CertificateFixture } from './certificate-context.ts';

describe('Remove-ExchangeCertificate', () => {
  let fixture: CertificateFixture;

  beforeEach(() => {
    fixture = new CertificateFixture('hub');
  });
  afterEach(() => fixture.remove());

  const remove = (Thumbprint: string) => fixture.run(removeExchangeCertificate, { Thumbprint });

  it('is declared soundly and asks first', () => {
    expect(faultsOf(removeExchangeCertificate)).toEqual([]);
    expect(removeExchangeCertificate.confirm?.({ Thumbprint: 'ABCD' })).toContain('ABCD');
  });

  it('removes a certificate that is enabled but not published', async () => {
    const { certificate } = await fixture.add();
    fixture.store.enable(certificate.thumbprint, 'SMTP');
    expect(await remove(certificate.sha256)).toEqual({ records: [] });
    expect(fixture.store.has(certificate.thumbprint)).toBe(false);
  });

  it('refuses the internal transport certificate', async () => {
    const { certificate } = await fixture.addDefault();
    await expect(remove(certificate.thumbprint)).rejects.toMatchObject({ code: 'certificate-in-use' });
    expect(fixture.store.has(certificate.thumbprint)).toBe(true);
  });

  it('refuses one that is not there', async () => {
    await expect(remove('0'.repeat(40))).rejects.toMatchObject({ code: 'certificate-not-found' });
  });
});
