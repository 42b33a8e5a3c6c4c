// Whether a certificate proves a mail domain by the public infrastructure: a chain to an authority that this machine trusts, in
// date, and made out to the domain or to something below it. For strangers alone; the pair has its pins.

import { type Certificate, namesServer, validityAt } from '../tls/certificate.ts';
import type { TlsSession } from '../tls/tls-session.ts';
import type { Reason } from './reasons.ts';
import { CLOCK_TOLERANCE_MS } from './tls-policy.ts';

/** Why the peer is none of `names`; undefined when it proved to be one. */
export function verificationFault(
  { peerCertificate, peerChainTrusted }: TlsSession,
  names: readonly string[],
  now: Date,
): Reason | undefined {
  const isInDate = peerCertificate && validityAt(peerCertificate, now, CLOCK_TOLERANCE_MS) === 'valid';
  if (!isInDate || !peerChainTrusted) return 'certificate-unverified';
  return names.some((name) => namesOrBelow(peerCertificate, name)) ? undefined : 'certificate-host-mismatch';
}

/** The name itself, by RFC 6125's rules, or one that its owner has given away below it, as Postfix's level `secure` has it. */
function namesOrBelow(certificate: Certificate, name: string): boolean {
  const below = `.${name.toLowerCase()}`;
  return namesServer(certificate, name) || certificate.domains.some((each) => each.toLowerCase().endsWith(below));
}
