// Another certificate for a key that has one already, as an ACME client gets every few weeks.

import { createPublicKey } from 'node:crypto';
import { signSelf } from '../../src/tls/self-signed.ts';

/** Self-signed, made out to `fqdn`, valid from an hour ago for ninety days; certificate and key as PEM. */
export function reissue(privateKeyPem: string, fqdn: string): string {
  const publicKeyPem = createPublicKey(privateKeyPem).export({ type: 'spki', format: 'pem' }).toString();
  const notBefore = new Date(Date.now() - 3_600_000);
  const pem = signSelf(
    { publicKeyPem, privateKeyPem },
    {
      subject: [{ name: 'commonName', value: fqdn }],
      domains: [fqdn],
      notBefore,
      notAfter: new Date(notBefore.getTime() + 90 * 86_400_000),
    },
  );
  return `${pem}${privateKeyPem}`;
}
