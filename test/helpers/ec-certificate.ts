// A self-signed certificate on P-256, for tests that need a key of another kind than RSA.

import { createEcCertificate as createPair } from '../../src/lab/ec-certificate.ts';

export interface EcPair {
  certificatePem: string;
  privateKeyPem: string;
}

/** Valid from yesterday for a year, for one DNS name. */
export function createEcCertificate(name: string): EcPair {
  const { certificate, privateKeyPem } = createPair({
    domains: [name],
    notBefore: new Date(Date.now() - 86_400_000),
    notAfter: new Date(Date.now() + 365 * 86_400_000),
  });
  return { certificatePem: certificate.pem, privateKeyPem };
}
