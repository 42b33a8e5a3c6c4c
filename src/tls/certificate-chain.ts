// Which certificate of a heap is the server's own, and in which order the others lead from it to a root. TLS sends them in
// that order (RFC 8446 §4.4.2); files hold them in any.

import { X509Certificate } from 'node:crypto';
import type { Certificate } from './certificate.ts';

/** True when `issuer` signed `certificate` and may have done so. */
function isIssuerOf(issuer: Certificate, certificate: Certificate): boolean {
  const child = new X509Certificate(certificate.der);
  const parent = new X509Certificate(issuer.der);
  return child.checkIssued(parent) && child.verify(parent.publicKey);
}

/** The issuers of `leaf` found among `others`, nearest first; what does not lead upwards from it is left out. */
export function orderChain(leaf: Certificate, others: readonly Certificate[]): readonly Certificate[] {
  const chain: Certificate[] = [];
  let rest = others.filter((other) => !other.der.equals(leaf.der));
  let current = leaf;
  while (!current.selfSigned) {
    const child = current;
    const issuer = rest.find((candidate) => isIssuerOf(candidate, child));
    if (issuer === undefined) break;
    chain.push(issuer);
    rest = rest.filter((other) => other !== issuer);
    current = issuer;
  }
  return chain;
}

/** The one that issued none of the others: the server's own in a file that holds no key to tell. */
export function findLeaf(certificates: readonly Certificate[]): Certificate | undefined {
  return certificates.find((candidate) =>
    certificates.every((other) => other === candidate || !isIssuerOf(candidate, other)),
  );
}
