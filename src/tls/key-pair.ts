// A certificate with its private key: what this server can prove to be. Checks that the two belong together and that the key
// is of a kind that is served. Where pairs are kept is certificate-store.ts; how files are read is certificate-import.ts.

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { Problem } from '../problem.ts';
import type { Certificate } from './certificate.ts';

export interface KeyPair {
  readonly certificate: Certificate;
  /** Intermediates from the certificate's issuer upwards; empty for a self-signed one. */
  readonly chain: readonly Certificate[];
  /** PKCS#8, not encrypted. Never to be logged. */
  readonly privateKeyPem: string;
}

const MIN_RSA_BITS = 2048;
const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** True when `key` is the private half of the certificate's public key. */
export function isKeyOf(key: KeyObject, certificate: Certificate): boolean {
  return new X509Certificate(certificate.der).checkPrivateKey(key);
}

/** Throws Problem `key-unsupported` unless the key is RSA of 2048 bits or more, or EC on P-256, P-384 or P-521. */
function checkKeyIsSupported(key: KeyObject): void {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa' && modulusLength >= MIN_RSA_BITS) return;
  if (key.asymmetricKeyType === 'ec' && CURVES.has(namedCurve)) return;
  const size = modulusLength > 0 ? ` of ${modulusLength} bits` : '';
  const found = `${namedCurve || (key.asymmetricKeyType ?? 'unknown')}${size}`;
  throw new Problem(
    'key-unsupported',
    `a private key of the kind ${found} is not supported: use RSA of at least ${MIN_RSA_BITS} bits, or EC on P-256, P-384 or P-521`,
  );
}

/** Makes a pair of its parts; throws Problem `key-mismatch` or `key-unsupported`. */
export function makeKeyPair(certificate: Certificate, chain: readonly Certificate[], key: KeyObject): KeyPair {
  if (!isKeyOf(key, certificate)) {
    throw new Problem('key-mismatch', `the private key does not belong to the certificate ${certificate.thumbprint}`);
  }
  checkKeyIsSupported(key);
  return { certificate, chain, privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** The same checks for a pair that came from elsewhere. */
export function checkKeyPair(pair: KeyPair): void {
  makeKeyPair(pair.certificate, pair.chain, createPrivateKey(pair.privateKeyPem));
}
