// Writes certificates for elsewhere: the public one as DER or PEM, a whole pair as PFX (PKCS#12, RFC 7292), RSA and EC alike.
// The key is encrypted by PBES2 with AES-256 (node:crypto writes that part), the whole sealed by an HMAC with SHA-256.
// Whether a key may leave at all is certificate-store.ts's to say.

import { createHmac, createPrivateKey, randomBytes } from 'node:crypto';
import forge from 'node-forge';
import { Problem } from '../problem.ts';
import { absent, bmpString, decodeAsn1, encodeAsn1, integer, octets, oid, sequence, set, tagged } from './asn1.ts';
import type { Certificate } from './certificate.ts';
import type { KeyPair } from './key-pair.ts';
import { deriveMacKey } from './pfx-encryption.ts';
import { OID } from './pfx-reader.ts';

type Asn1 = forge.asn1.Asn1;

const FRIENDLY_NAME = '1.2.840.113549.1.9.20';
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21';
const SHA256 = '2.16.840.1.101.3.4.2.1';
const MAC_ITERATIONS = 10_000;

/** The public certificate, for a peer or an archive: DER bytes, or PEM text as bytes. */
export function exportCertificate(certificate: Certificate, format: 'der' | 'pem'): Buffer {
  return format === 'der' ? certificate.der : Buffer.from(certificate.pem);
}

/** Key, certificate and chain under a password; throws Problem `password-required` when that is empty. */
export function exportPfx(pair: KeyPair, password: string, options: { friendlyName?: string } = {}): Buffer {
  if (password === '') {
    throw new Problem('password-required', 'a PFX file holds the private key: give a password to protect it');
  }
  const attributes = bagAttributes(pair.certificate, options.friendlyName);
  const [leaf, ...issuers] = [pair.certificate, ...pair.chain].map(({ der }) => octets(der));
  const certificateBags = [
    certificateBag(leaf as Asn1, attributes),
    ...issuers.map((issuer) => certificateBag(issuer)),
  ];
  const keyBag = sequence(oid(OID.shroudedKeyBag), tagged(decodeAsn1(encryptKey(pair, password))), attributes);
  const safes = [sequence(...certificateBags), sequence(keyBag)];
  const content = encodeAsn1(sequence(...safes.map((safe) => dataContent(encodeAsn1(safe)))));
  return encodeAsn1(sequence(integer(3), dataContent(content), macData(content, password)));
}

/** EncryptedPrivateKeyInfo (RFC 5958 §3). */
function encryptKey(pair: KeyPair, password: string): Buffer {
  const key = createPrivateKey(pair.privateKeyPem);
  return key.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: password });
}

function dataContent(bytes: Buffer): Asn1 {
  return sequence(oid(OID.data), tagged(octets(bytes)));
}

function certificateBag(der: Asn1, attributes?: Asn1): Asn1 {
  const bag = sequence(oid(OID.x509Certificate), tagged(der));
  return sequence(oid(OID.certificateBag), tagged(bag), ...(attributes === undefined ? [] : [attributes]));
}

/** Windows finds the key of a certificate by an equal localKeyId, not by trying. */
function bagAttributes(certificate: Certificate, friendlyName: string | undefined): Asn1 {
  const attributes = [sequence(oid(LOCAL_KEY_ID), set(octets(Buffer.from(certificate.thumbprint, 'hex'))))];
  if (friendlyName) attributes.unshift(sequence(oid(FRIENDLY_NAME), set(bmpString(friendlyName))));
  return set(...attributes);
}

function macData(content: Buffer, password: string): Asn1 {
  const salt = randomBytes(16);
  const derivation = { iterations: MAC_ITERATIONS, bytes: 32, digest: forge.md.sha256.create() };
  const mac = createHmac('sha256', deriveMacKey(password, salt, derivation))
    .update(content)
    .digest();
  const digestInfo = sequence(sequence(oid(SHA256), absent()), octets(mac));
  return sequence(digestInfo, octets(salt), integer(MAC_ITERATIONS));
}
