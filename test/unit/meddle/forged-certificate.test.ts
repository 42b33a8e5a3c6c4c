// Certificates made in place of a server's own: of every kind of key, and like the original in whatever is not wished otherwise.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import { forgeCertificate } from '../../../src/meddle/forged-certificate.ts';
import { parseCertificate, validityAt } from '../../../src/tls/certificate.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';

const NOW = new Date('2026-06-01T00:00:00Z');

it.each([
  ['rsa', 'rsa'],
  ['ecdsa', 'ec'],
  ['ed25519', 'ed25519'],
] as const)('makes a sound self-signed certificate with a key of the kind %s', async (key, type) => {
  const { certificatePem, privateKeyPem } = await forgeCertificate(
    { key, names: ['a.test', 'b.test'] },
    undefined,
    NOW,
  );
  const certificate = new X509Certificate(certificatePem);
  expect(certificate.publicKey.asymmetricKeyType).toBe(type);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(createPrivateKey(privateKeyPem))).toBe(true);
  expect(parseCertificate(certificatePem).domains).toEqual(['a.test', 'b.test']);
});

it('takes names, dates and kind of key of the original, and another key', async () => {
  const original = (await createSelfSigned({ netbiosName: 'EDGE', fqdn: 'edge.test', notBefore: NOW })).certificate;
  const forged = parseCertificate((await forgeCertificate({}, original, NOW)).certificatePem);
  expect(forged).toMatchObject({
    domains: original.domains,
    notBefore: original.notBefore,
    notAfter: original.notAfter,
    keyType: 'rsa',
  });
  expect(forged.publicKeySha256).not.toBe(original.publicKeySha256);
});

it.each([
  ['in-date', 'valid'],
  ['expired', 'expired'],
  ['not-yet-valid', 'not-yet-valid'],
] as const)('is %s where that is wished', async (dates, validity) => {
  const forged = parseCertificate((await forgeCertificate({ dates, key: 'ecdsa' }, undefined, NOW)).certificatePem);
  expect(validityAt(forged, NOW)).toBe(validity);
});
