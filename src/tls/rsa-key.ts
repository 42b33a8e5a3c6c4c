// RSA keys for certificates made here: generated off the event loop, and a signer for node-forge that lets OpenSSL do the
// arithmetic (forge's own takes 20 ms for 2048 bits and a quarter of a second for 4096, all of it on the loop).

import { constants, generateKeyPair, privateEncrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type forge from 'node-forge';
import { Problem } from '../problem.ts';

export interface RsaKey {
  /** SubjectPublicKeyInfo. */
  readonly publicKeyPem: string;
  /** PKCS#8, not encrypted. */
  readonly privateKeyPem: string;
}

const SIZES_BITS: readonly number[] = [2048, 3072, 4096];
/** DER of DigestInfo up to the digest itself, for SHA-256 (RFC 8017 §9.2, note 1). */
const SHA256_DIGEST_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** Makes a key of 2048, 3072 or 4096 bits; throws Problem `key-size-unsupported` for any other size. */
export async function generateRsaKey(sizeBits: number): Promise<RsaKey> {
  if (!SIZES_BITS.includes(sizeBits)) {
    throw new Problem(
      'key-size-unsupported',
      `a key of ${sizeBits} bits is not made here: choose one of ${SIZES_BITS.join(', ')}`,
    );
  }
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: sizeBits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { publicKeyPem: publicKey, privateKeyPem: privateKey };
}

/** What forge calls a private key, as far as `sign()` of a certificate or a request uses it: RSASSA-PKCS1-v1_5, SHA-256. */
export function createSigner(privateKeyPem: string): forge.pki.rsa.PrivateKey {
  const sign = (digest: forge.md.MessageDigest): string => {
    const digestInfo = Buffer.concat([SHA256_DIGEST_INFO, Buffer.from(digest.digest().getBytes(), 'latin1')]);
    const key = { key: privateKeyPem, padding: constants.RSA_PKCS1_PADDING };
    return privateEncrypt(key, digestInfo).toString('latin1');
  };
  return { sign } as unknown as forge.pki.rsa.PrivateKey;
}
