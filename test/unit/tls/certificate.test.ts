import { X509Certificate } from 'node:crypto';
import * as fc from 'fast-check';
import forge from 'node-forge';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isProblem } from '../../../src/problem.ts';
import {
  type Certificate,
  isSameCertificate,
  namesServer,
  parseCertificate,
  parseCertificateChain,
  validityAt,
} from '../../../src/tls/certificate.ts';
import type { KeyPair } from '../../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { hasOpenssl, makeSelfSigned, makeWorkbench, type Workbench } from './openssl.ts';

const notBefore = new Date('2027-03-01T12:00:00Z');
let edge: KeyPair;
let hub: KeyPair;

beforeAll(async () => {
  edge = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.contoso.com', notBefore });
  hub = await createSelfSigned({ netbiosName: 'HUB01', fqdn: 'hub01.corp.contoso.com', notBefore });
});

function refusal(input: Buffer | string): string {
  try {
    parseCertificate(input);
  } catch (error) {
    expect(isProblem(error, 'certificate-unreadable')).toBe(true);
    return isProblem(error) ? error.message : '';
  }
  throw new Error('it was accepted');
}

describe('parseCertificate', () => {
  it('reads the same value from DER, from PEM text and from PEM bytes', () => {
    const { der, pem } = edge.certificate;
    expect(parseCertificate(der)).toEqual(edge.certificate);
    expect(parseCertificate(pem)).toEqual(edge.certificate);
    expect(parseCertificate(Buffer.from(`\n${pem.replaceAll('\n', '\r\n')}\r\n`))).toEqual(edge.certificate);
  });

  it('gives both fingerprints as upper-case hex without colons', () => {
    const x509 = new X509Certificate(edge.certificate.der);
    expect(edge.certificate.thumbprint).toBe(x509.fingerprint.replaceAll(':', ''));
    expect(edge.certificate.thumbprint).toMatch(/^[0-9A-F]{40}$/);
    expect(edge.certificate.sha256).toBe(x509.fingerprint256.replaceAll(':', ''));
  });

  const unreadable: [string, () => Buffer | string, RegExp][] = [
    ['nothing', () => '', /neither DER nor PEM/],
    ['no bytes', () => Buffer.alloc(0), /not an X\.509/],
    ['random bytes', () => Buffer.from('3082ffff00', 'hex'), /not an X\.509/],
    ['a damaged certificate', () => Buffer.from(edge.certificate.der).fill(0xff, 4, 40), /not an X\.509/],
    ['a cut-off certificate', () => edge.certificate.der.subarray(0, -1), /not an X\.509/],
    ['DER with a byte too many', () => Buffer.concat([edge.certificate.der, Buffer.from([0])]), /bytes after the end/],
    ['two DER certificates', () => Buffer.concat([edge.certificate.der, edge.certificate.der]), /bytes after the end/],
    ['a private key', () => edge.privateKeyPem, /"PRIVATE KEY"/],
    ['a certificate with its key', () => edge.certificate.pem + edge.privateKeyPem, /"PRIVATE KEY"/],
    ['two certificates', () => edge.certificate.pem + hub.certificate.pem, /2 certificates/],
    ['junk after it', () => `${edge.certificate.pem}junk`, /belongs to no certificate/],
    ['junk before it', () => `junk\n${edge.certificate.pem}`, /belongs to no certificate/],
    ['a damaged body', () => edge.certificate.pem.replace('MII', '!!!'), /damaged body/],
    ['base64 with padding inside', () => edge.certificate.pem.replace('\nMII', '\n=MII'), /damaged body/],
    [
      'another label',
      () => edge.certificate.pem.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'),
      /"TRUSTED CERTIFICATE"/,
    ],
    ['a beginning without an end', () => edge.certificate.pem.replace('-----END', '-----FIN'), /neither DER nor PEM/],
    ['a text full of beginnings', () => '-----BEGIN CERTIFICATE-----\n'.repeat(20_000), /neither DER nor PEM/],
    ['a huge text', () => 'A'.repeat(2 ** 21), /too large/],
    ['a huge DER', () => Buffer.alloc(70_000), /too large/],
  ];
  it.each(unreadable)('refuses %s in one sentence', (_, input, sentence) => {
    expect(refusal(input())).toMatch(sentence);
    expect(refusal(input())).not.toContain('\n');
  });

  it('never throws anything but its Problem, whatever it is given', () => {
    const { der, pem } = edge.certificate;
    const attempt = (input: Buffer | string): void => {
      try {
        parseCertificate(input);
      } catch (error) {
        expect(isProblem(error, 'certificate-unreadable')).toBe(true);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => attempt(Buffer.from(bytes))));
    fc.assert(fc.property(fc.string(), (text) => attempt(text)));
    const spot = fc.tuple(fc.nat(der.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(spot, { minLength: 1, maxLength: 4 }), (spots) => {
        const changed = Buffer.from(der);
        for (const [index, value] of spots) changed[index] = value;
        attempt(changed);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.nat(pem.length), fc.string(), (at, text) => attempt(pem.slice(0, at) + text + pem.slice(at))),
    );
  });
});

describe('the names that parseCertificate reads', () => {
  it('are DNS names only, and none hidden inside another name', () => {
    const [dns, mail, uri, address] = [2, 1, 6, 7];
    const key = forge.pki.rsa.generateKeyPair(2048);
    const made = forge.pki.createCertificate();
    made.publicKey = key.publicKey;
    made.serialNumber = '41';
    made.validity.notAfter = new Date(made.validity.notBefore.getTime() + 1000);
    const altNames = [
      { type: dns, value: 'one.example' },
      { type: uri, value: 'http://x/?a, DNS:evil.example' },
      { type: mail, value: 'a@b.example", DNS:evil.example' },
      { type: dns, value: 'two.example, DNS:evil.example' },
      { type: dns, value: 'evil.example\0.two.example' },
      { type: address, ip: '10.0.0.1' },
      { type: dns, value: 'three.example' },
    ];
    made.setExtensions([{ name: 'subjectAltName', altNames }]);
    made.sign(key.privateKey, forge.md.sha256.create());
    const certificate = parseCertificate(forge.pki.certificateToPem(made));
    expect(certificate.domains).toEqual([
      'one.example',
      'two.example, DNS:evil.example',
      'evil.example\0.two.example',
      'three.example',
    ]);
    expect(namesServer(certificate, 'evil.example')).toBe(false);
  });
});

describe('parseCertificateChain', () => {
  it('gives the certificates in the order they stand', () => {
    const chain = parseCertificateChain(hub.certificate.pem + edge.certificate.pem);
    expect(chain.map(({ subject }) => subject)).toEqual(['CN=HUB01', 'CN=EDGE01']);
  });

  it('refuses more certificates than a chain can have', () => {
    expect(() => parseCertificateChain(edge.certificate.pem.repeat(17))).toThrow(/more than 16/);
  });
});

describe('isSameCertificate', () => {
  it('tells a certificate from its renewal', async () => {
    const renewed = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.contoso.com', notBefore });
    expect(isSameCertificate(edge.certificate, parseCertificate(edge.certificate.pem))).toBe(true);
    expect(isSameCertificate(edge.certificate, renewed.certificate)).toBe(false);
  });
});

describe('validityAt', () => {
  const table: [string, number, string][] = [
    ['2027-03-01T11:54:59.999Z', 300_000, 'not-yet-valid'],
    ['2027-03-01T11:55:00Z', 300_000, 'valid'],
    ['2027-03-01T11:59:59.999Z', 0, 'not-yet-valid'],
    ['2027-03-01T12:00:00Z', 0, 'valid'],
    ['2028-03-01T12:00:00Z', 0, 'valid'],
    ['2028-03-01T12:00:00.001Z', 0, 'expired'],
    ['2028-03-01T12:00:00.001Z', 300_000, 'expired'],
  ];
  it.each(table)('at %s with %d ms of tolerance says the right word', (now, toleranceMs, expected) => {
    expect(validityAt(edge.certificate, new Date(now), toleranceMs)).toBe(expected);
  });
});

describe('namesServer', () => {
  const san = (...domains: string[]): Certificate => ({
    ...edge.certificate,
    domains,
    subject: 'CN=cn.contoso.com, O=x',
  });
  const table: [string, readonly string[], string, boolean][] = [
    ['the exact name', ['edge01.contoso.com'], 'edge01.contoso.com', true],
    ['another letter case', ['Edge01.Contoso.com'], 'EDGE01.CONTOSO.COM', true],
    ['a final dot', ['edge01.contoso.com'], 'edge01.contoso.com.', true],
    ['a second name', ['EDGE01', 'edge01.contoso.com'], 'edge01.contoso.com', true],
    ['a NetBIOS name', ['EDGE01', 'edge01.contoso.com'], 'edge01', true],
    ['an ending', ['contoso.com'], 'edge01.contoso.com', false],
    ['a beginning', ['edge01.contoso.com'], 'edge01', false],
    ['a wildcard of one label', ['*.contoso.com'], 'mail.contoso.com', true],
    ['a wildcard for two labels', ['*.contoso.com'], 'a.mail.contoso.com', false],
    ['a wildcard for none', ['*.contoso.com'], 'contoso.com', false],
    ['a wildcard inside a label', ['m*.contoso.com'], 'mail.contoso.com', false],
    ['a wildcard elsewhere', ['mail.*.com'], 'mail.contoso.com', false],
    ['a wildcard of a top-level domain', ['*.com'], 'contoso.com', false],
    ['a bare star', ['*'], 'edge01', false],
    ['a wildcard asked for by its own text', ['*.contoso.com'], '*.contoso.com', true],
    ['an address by wildcard', ['*.0.0.1'], '127.0.0.1', false],
    ['an address as a name', ['127.0.0.1'], '127.0.0.1', false],
    ['a name with a NUL inside', ['edge01.contoso.com\0.evil.example'], 'edge01.contoso.com', false],
    ['an IDN by its ASCII form', ['xn--bcher-kva.example'], 'bücher.example', true],
    ['the CN beside a SAN', ['edge01.contoso.com'], 'cn.contoso.com', false],
    ['the CN without a SAN', [], 'cn.contoso.com', true],
    ['another name than the CN', [], 'x', false],
    ['no name', ['edge01.contoso.com'], '', false],
    ['a dot', [''], '.', false],
  ];
  it.each(table)('judges %s', (_, domains, name, expected) => {
    expect(namesServer(san(...domains), name)).toBe(expected);
  });
});

describe.skipIf(!hasOpenssl)('parseCertificate on certificates made by openssl', () => {
  let bench: Workbench;
  beforeAll(() => {
    bench = makeWorkbench();
  });
  afterAll(() => bench.remove());

  it.each([
    ['rsa-1024', 'rsa', 1024],
    ['rsa', 'rsa', 2048],
    ['p-256', 'ec', 256],
    ['p-384', 'ec', 384],
    ['p-521', 'ec', 521],
    ['ed25519', 'other', 0],
  ])('describes a key of the kind %s', (kind, keyType, keySizeBits) => {
    makeSelfSigned(bench, kind, kind);
    expect(parseCertificate(bench.read(`${kind}.pem`))).toMatchObject({
      keyType,
      keySizeBits,
      selfSigned: true,
      subject: `CN=${kind}`,
    });
  });

  it('keeps a comma and a line break in a name from becoming a second part', () => {
    bench.run(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'n.key',
      '-out',
      'n.pem',
      '-utf8',
      '-subj',
      '/C=DE/O=Müller, CN=evil.example/CN=good.example',
    );
    const certificate = parseCertificate(bench.read('n.pem'));
    expect(certificate.subject).toBe(String.raw`CN=good.example, O=Müller\, CN=evil.example, C=DE`);
    expect(namesServer(certificate, 'good.example')).toBe(true);
    expect(namesServer(certificate, 'evil.example')).toBe(false);
  });

  it('gives the serial number and dates that openssl reads', () => {
    makeSelfSigned(bench, 'dates', 'p-256');
    const text = bench.run('x509', '-in', 'dates.pem', '-noout', '-serial', '-enddate', '-dateopt', 'iso_8601');
    const { serialNumber, notAfter } = parseCertificate(bench.read('dates.pem'));
    expect(text).toContain(`serial=${serialNumber}\n`);
    expect(text).toContain(`notAfter=${notAfter.toISOString().replace('T', ' ').replace('.000', '')}`);
  });
});
