// Reads what people bring: a PFX, or PEM with certificates and perhaps a key, from one's own PKI or bought. Out comes the
// server's certificate, its chain in order, and the key, checked to belong to it. Storing it is certificate-store.ts.

import { createPrivateKey, type KeyObject } from 'node:crypto';
import { Problem } from '../problem.ts';
import { type Certificate, parseCertificate, parseCertificateChain } from './certificate.ts';
import { findLeaf, orderChain } from './certificate-chain.ts';
import { isKeyOf, type KeyPair, makeKeyPair } from './key-pair.ts';
import { type PemBlock, readPem } from './pem.ts';
import { type PfxContent, readPfx } from './pfx-reader.ts';

/** A certificate without its key, as an authority answers a request: the store finds the key in the pending request. */
export interface IssuedCertificate {
  readonly certificate: Certificate;
  readonly chain: readonly Certificate[];
}

const MAX_FILE_BYTES = 1024 * 1024;
const MAX_CERTIFICATES = 32;

/**
 * Reads a PFX, or PEM with certificate, chain and key in any order. Throws Problem `pfx-unreadable`, `pfx-password-wrong` (for
 * an encrypted PEM key as well), `certificate-unreadable`, `key-missing`, `key-mismatch` or `key-unsupported`.
 */
export function importPair(file: Buffer, password?: string): KeyPair {
  const { keys, certificates } = readFile(file, password);
  if (certificates.length === 0) {
    throw new Problem('certificate-unreadable', 'the file holds no certificate');
  }
  if (keys.length === 0) {
    throw new Problem('key-missing', 'the file holds no private key: export it together with its key, as PFX or PEM');
  }
  for (const key of keys) {
    const leaf = certificates.find((certificate) => isKeyOf(key, certificate));
    if (leaf !== undefined) return makeKeyPair(leaf, orderChain(leaf, certificates), key);
  }
  throw new Problem('key-mismatch', 'the private key in the file belongs to none of the certificates in it');
}

/** Reads an authority's answer, DER or PEM, chain included. Throws Problem `certificate-unreadable`. */
export function importIssuedCertificate(file: Buffer): IssuedCertificate {
  const certificates = looksLikePem(file) ? readPemFile(file, undefined).certificates : parseCertificateChain(file);
  const leaf = findLeaf(certificates);
  if (leaf === undefined) throw new Problem('certificate-unreadable', 'the file holds no certificate');
  return { certificate: leaf, chain: orderChain(leaf, certificates) };
}

/** True when the file is PEM with certificates and no key: an answer to a request rather than a pair. */
export function holdsCertificatesOnly(file: Buffer): boolean {
  if (!looksLikePem(file)) return isDerCertificate(file);
  const { blocks } = readPem(file.toString('latin1'));
  return blocks.length > 0 && blocks.every(({ label }) => label === 'CERTIFICATE');
}

function isDerCertificate(file: Buffer): boolean {
  try {
    parseCertificate(file);
    return true;
  } catch {
    return false;
  }
}

function looksLikePem(file: Buffer): boolean {
  return file.includes('-----BEGIN ');
}

function readFile(file: Buffer, password: string | undefined): PfxContent {
  if (looksLikePem(file)) return readPemFile(file, password);
  if (isDerCertificate(file)) return { keys: [], certificates: [parseCertificate(file)] };
  return readPfx(file, password);
}

function readPemFile(file: Buffer, password: string | undefined): PfxContent {
  if (file.length > MAX_FILE_BYTES)
    throw new Problem('certificate-unreadable', 'the file is too large to hold certificates');
  const { blocks } = readPem(file.toString('latin1'));
  const certificates = blocks.filter(({ label }) => label === 'CERTIFICATE');
  if (certificates.length > MAX_CERTIFICATES) {
    throw new Problem('certificate-unreadable', `the file holds more than ${MAX_CERTIFICATES} certificates`);
  }
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  return {
    keys: keys.map((block) => readPemKey(block, password)),
    certificates: certificates.map(({ text }) => parseCertificate(text)),
  };
}

function readPemKey(block: PemBlock, password: string | undefined): KeyObject {
  // A body that is not plain base64 carries RFC 1421 headers: OpenSSL's older way of encrypting a key.
  const encrypted = block.label.startsWith('ENCRYPTED') || block.der === undefined;
  try {
    return createPrivateKey({ key: block.text, format: 'pem', ...(encrypted ? { passphrase: password ?? '' } : {}) });
  } catch (cause) {
    if (!encrypted) throw new Problem('key-unsupported', 'the private key in the file cannot be read', { cause });
    const sentence = password
      ? 'the password does not open the private key'
      : 'the private key is protected by a password, and none was given';
    throw new Problem('pfx-password-wrong', sentence, { cause });
  }
}
