// Self-signed certificates on P-256 for a laboratory: a thousand times quicker to make than the RSA key of a server's own, and
// direct trust asks for nothing else.

import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { signWithAnyKey } from '../tls/any-key-certificate.ts';
import { CertificateStore } from '../tls/certificate-store.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import { serverExtensions } from '../tls/self-signed.ts';

export interface EcCertificateOptions {
  /** The first one is the common name too. */
  readonly domains: readonly string[];
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Makes key and certificate. */
export function createEcCertificate({ domains, notBefore, notAfter }: EcCertificateOptions): KeyPair {
  const keys = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const extensions = serverExtensions(domains);
  const certificate = signWithAnyKey({ names: domains, notBefore, notAfter, extensions }, 'ecdsa', keys);
  const privateKeyPem = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { certificate, chain: [], privateKeyPem };
}

/** Gives a server that was never started, in its folder, the certificate that it would make itself, but for the kind of key. */
export function provideEcCertificate(serverFolder: string, options: EcCertificateOptions): void {
  const store = CertificateStore.open(join(serverFolder, 'certificates'));
  if (store.internalTransport()) return;
  const { thumbprint } = store.add(createEcCertificate(options), { friendlyName: 'Microsoft Exchange' }).certificate;
  store.enable(thumbprint, 'SMTP');
  store.setInternalTransport(thumbprint);
}
