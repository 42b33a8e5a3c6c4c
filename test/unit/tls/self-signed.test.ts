import { createPrivateKey, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isProblem } from '../../../src/problem.ts';
import { parseSubjectName } from '../../../src/tls/certificate-names.ts';
import { createCertificateRequest } from '../../../src/tls/certificate-request.ts';
import { createSelfSigned, endOfValidity, type SelfSignedOptions } from '../../../src/tls/self-signed.ts';
import { hasOpenssl, makeWorkbench, type Workbench } from './openssl.ts';

const notBefore = new Date('2027-03-01T12:00:00.789Z');
const edge: SelfSignedOptions = { netbiosName: 'EDGE01', fqdn: 'edge01.contoso.com', notBefore };

async function codeOf(attempt: Promise<unknown>): Promise<string | undefined> {
  return attempt.then(
    () => undefined,
    (error: unknown) => (isProblem(error) ? error.code : String(error)),
  );
}

describe('createSelfSigned', () => {
  it('makes what Exchange 2007 makes, with one calendar year', async () => {
    const { certificate, chain, privateKeyPem } = await createSelfSigned(edge);
    expect(chain).toEqual([]);
    expect(certificate).toMatchObject({
      subject: 'CN=EDGE01',
      issuer: 'CN=EDGE01',
      domains: ['EDGE01', 'edge01.contoso.com'],
      notBefore: new Date('2027-03-01T12:00:00Z'),
      notAfter: new Date('2028-03-01T12:00:00Z'),
      selfSigned: true,
      keyType: 'rsa',
      keySizeBits: 2048,
    });
    expect(privateKeyPem).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(new X509Certificate(certificate.der).checkPrivateKey(createPrivateKey(privateKeyPem))).toBe(true);
  });

  it('takes names, subject, validity and key size from its caller', async () => {
    const { certificate } = await createSelfSigned({
      ...edge,
      domains: ['mail.contoso.com', 'MAIL.contoso.com', '*.contoso.com', 'bücher.example'],
      subjectName: 'CN=mail.contoso.com, O=Contoso\\, Ltd., C=US',
      validityDays: 10,
      keySizeBits: 3072,
    });
    expect(certificate.domains).toEqual(['mail.contoso.com', '*.contoso.com', 'xn--bcher-kva.example']);
    expect(certificate.subject).toBe('CN=mail.contoso.com, O=Contoso\\, Ltd., C=US');
    expect(certificate.notAfter).toEqual(new Date('2027-03-11T12:00:00Z'));
    expect(certificate.keySizeBits).toBe(3072);
  });

  it('gives each certificate a positive serial number of 16 bytes and a key of its own', async () => {
    const [first, second] = await Promise.all([createSelfSigned(edge), createSelfSigned(edge)]);
    expect(first.certificate.serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(first.certificate.serialNumber).not.toBe(second.certificate.serialNumber);
    expect(first.privateKeyPem).not.toBe(second.privateKeyPem);
  });

  it('leaves the event loop free while it makes the key', async () => {
    const making = createSelfSigned({ ...edge, keySizeBits: 4096 });
    const first = await Promise.race([
      making.then(() => 'certificate'),
      new Promise((resolve) => setImmediate(resolve, 'loop')),
    ]);
    expect(first).toBe('loop');
    await making;
  });

  it('works for dates after 2050, where X.509 changes the way of writing them', async () => {
    const { certificate } = await createSelfSigned({ ...edge, notBefore: new Date('2049-06-01T00:00:00Z') });
    expect(certificate.notBefore).toEqual(new Date('2049-06-01T00:00:00Z'));
    expect(certificate.notAfter).toEqual(new Date('2050-06-01T00:00:00Z'));
  });

  it.each([
    ['a weak key', { keySizeBits: 1024 }, 'key-size-unsupported'],
    ['an odd key size', { keySizeBits: 2049 }, 'key-size-unsupported'],
    ['a name with a space', { domains: ['mail contoso.com'] }, 'domain-name-invalid'],
    ['an empty label', { domains: ['mail..com'] }, 'domain-name-invalid'],
    ['a star inside', { domains: ['m*.contoso.com'] }, 'domain-name-invalid'],
    ['an empty FQDN', { fqdn: '' }, 'domain-name-invalid'],
    ['a subject that is none', { subjectName: 'mail.contoso.com' }, 'subject-unreadable'],
    ['an empty subject', { subjectName: '' }, 'subject-unreadable'],
    ['an unknown part of a subject', { subjectName: 'CN=a, ZZ=b' }, 'subject-unreadable'],
    ['a country that is none', { subjectName: 'CN=a, C=Germany' }, 'subject-unreadable'],
    ['a common name too long', { netbiosName: 'a'.repeat(65) }, 'subject-unreadable'],
  ])('refuses %s', async (_, change, code) => {
    expect(await codeOf(createSelfSigned({ ...edge, ...change }))).toBe(code);
  });
});

describe('endOfValidity', () => {
  it.each([
    ['2027-03-01T12:00:00Z', undefined, '2028-03-01T12:00:00Z'],
    ['2028-02-29T12:00:00Z', undefined, '2029-02-28T12:00:00Z'],
    ['2027-12-31T23:59:59Z', undefined, '2028-12-31T23:59:59Z'],
    ['2027-03-01T12:00:00Z', 365, '2028-02-29T12:00:00Z'],
  ])('after %s with %s days is %s', (from, days, to) => {
    expect(endOfValidity(new Date(from), days)).toEqual(new Date(to));
  });
});

describe('parseSubjectName', () => {
  it('puts general parts first and chooses a string type that can hold the value', () => {
    const fields = parseSubjectName('CN=Müller, E=a@b.example, O=x, DC=contoso');
    expect(fields.map(({ name, type, value, valueTagClass }) => [name ?? type, value, valueTagClass])).toEqual([
      ['0.9.2342.19200300.100.1.25', 'contoso', 22],
      ['organizationName', 'x', 19],
      ['emailAddress', 'a@b.example', 22],
      ['commonName', 'Müller', 12],
    ]);
  });
});

describe.skipIf(!hasOpenssl)('as openssl reads it', () => {
  let bench: Workbench;
  beforeAll(() => {
    bench = makeWorkbench();
  });
  afterAll(() => bench.remove());

  it('the self-signed certificate has the extensions, critical where they must be, and a SHA-256 signature', async () => {
    const { certificate } = await createSelfSigned(edge);
    writeFileSync(bench.path('edge.pem'), certificate.pem);
    const text = bench.run('x509', '-in', 'edge.pem', '-noout', '-text').replaceAll(/\s+/g, ' ');
    expect(text).toContain('Version: 3 (0x2)');
    expect(text).toContain('Signature Algorithm: sha256WithRSAEncryption Issuer: CN = EDGE01 Validity');
    expect(text).toContain(
      'Not Before: Mar 1 12:00:00 2027 GMT Not After : Mar 1 12:00:00 2028 GMT Subject: CN = EDGE01',
    );
    expect(text).toContain('Public-Key: (2048 bit)');
    expect(text).toContain('Exponent: 65537');
    expect(text).toContain(
      'X509v3 Basic Constraints: critical CA:FALSE X509v3 Key Usage: critical Digital Signature, Key Encipherment ' +
        'X509v3 Extended Key Usage: TLS Web Server Authentication ' +
        'X509v3 Subject Alternative Name: DNS:EDGE01, DNS:edge01.contoso.com Signature Algorithm',
    );
  });

  it('the self-signed certificate verifies against itself', async () => {
    const { certificate } = await createSelfSigned({ ...edge, notBefore: new Date() });
    writeFileSync(bench.path('self.pem'), certificate.pem);
    expect(bench.run('verify', '-CAfile', 'self.pem', '-check_ss_sig', '-purpose', 'sslserver', 'self.pem')).toContain(
      'self.pem: OK',
    );
  });

  it('a request proves its key and asks for names and extensions', async () => {
    const request = await createCertificateRequest({
      domains: ['mail.contoso.com', 'autodiscover.contoso.com'],
      keySizeBits: 4096,
      notBefore,
    });
    writeFileSync(bench.path('request.pem'), request.requestPem);
    const text = bench.run('req', '-in', 'request.pem', '-noout', '-text', '-verify').replaceAll(/\s+/g, ' ');
    expect(text).toContain('Subject: CN = mail.contoso.com');
    expect(text).toContain('Public-Key: (4096 bit)');
    expect(text).toContain('DNS:mail.contoso.com, DNS:autodiscover.contoso.com');
    expect(text).toContain('Key Usage: critical Digital Signature, Key Encipherment');
    const publicKey = bench.run('req', '-in', 'request.pem', '-noout', '-pubkey');
    expect(publicKey).toBe(
      new X509Certificate(request.placeholder.der).publicKey.export({ type: 'spki', format: 'pem' }),
    );
    expect(request.placeholder).toMatchObject({ subject: 'CN=mail.contoso.com', selfSigned: true });
  });

  it('a request without a domain name is refused', async () => {
    expect(await codeOf(createCertificateRequest({ domains: [], notBefore }))).toBe('domain-name-invalid');
  });
});
