// What stands at the top of a certificate's chain, in Exchange's words (RootCAType). It is for people to read and decides nothing.

import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import type { Certificate } from './certificate.ts';

/**
 * 'Registry': self-signed. 'ThirdParty': the chain leads to a public root that Node carries. 'Enterprise': it ends in a root
 * that is not public, which is how one's own PKI looks. 'Unknown': its end is not in the file.
 */
export type RootCaType = 'Registry' | 'Enterprise' | 'ThirdParty' | 'Unknown';

/** Classifies a certificate by its chain. Revocation and dates play no part. */
export function rootCaTypeOf(certificate: Certificate, chain: readonly Certificate[]): RootCaType {
  if (certificate.selfSigned) return 'Registry';
  const top = chain.at(-1) ?? certificate;
  if (isIssuedByPublicRoot(top)) return 'ThirdParty';
  return top.selfSigned ? 'Enterprise' : 'Unknown';
}

function isIssuedByPublicRoot(certificate: Certificate): boolean {
  const top = new X509Certificate(certificate.der);
  // A public root that is itself in the file counts as issued by itself.
  return readPublicRoots().some((root) => root.subject === top.issuer && top.verify(root.publicKey));
}

let publicRoots: readonly X509Certificate[] | undefined;

function readPublicRoots(): readonly X509Certificate[] {
  publicRoots ??= rootCertificates.map((pem) => new X509Certificate(pem));
  return publicRoots;
}
