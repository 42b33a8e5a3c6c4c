// Which certificates a directory has on record for one server, and whether a certificate is one of them: the current one,
// during a staged renewal the next, and after it the previous until its grace period is over. Pure; everybody who asks "is
// this the server's certificate?" asks here, so that AD, ADAM, mail and EdgeSync cannot come to differ.

import { type Certificate, hasSameKey, isSameCertificate, validityAt } from './certificate.ts';

/** On record beside the current certificate. */
export interface CertificateAside {
  readonly part: 'next' | 'previous';
  readonly certificate: Certificate;
  /** From this time on it is on record no more. */
  readonly until?: Date | undefined;
}

/** What a directory holds for one server. */
export interface CertificatesHeld {
  readonly certificate?: Certificate | undefined;
  readonly others?: readonly CertificateAside[] | undefined;
}

export interface CertificateOnRecord {
  readonly part: 'current' | 'next' | 'previous';
  readonly certificate: Certificate;
  readonly until?: Date | undefined;
}

/** All that is held, the current one first, also what is past its time and only not yet removed. */
export function certificatesHeld({ certificate, others = [] }: CertificatesHeld): readonly CertificateOnRecord[] {
  return [...(certificate ? [{ part: 'current', certificate } as const] : []), ...others];
}

/** The certificates on record at `now`, the current one first. */
export function certificatesOnRecord(server: CertificatesHeld, now: Date): readonly CertificateOnRecord[] {
  return certificatesHeld(server).filter(({ until }) => until === undefined || now.getTime() < until.getTime());
}

/** The entry of the record that `shown` is, to the last byte; its dates do not matter, being on record does. */
export function findOnRecord(
  server: CertificatesHeld,
  shown: Certificate | undefined,
  now: Date,
): CertificateOnRecord | undefined {
  if (!shown) return undefined;
  return certificatesOnRecord(server, now).find(({ certificate }) => isSameCertificate(certificate, shown));
}

/** True when `shown` is not on record itself but was issued for the key of one that is, as ACME clients do. */
export function isReissued(server: CertificatesHeld, shown: Certificate | undefined, now: Date): boolean {
  if (!shown || findOnRecord(server, shown, now)) return false;
  return certificatesOnRecord(server, now).some(({ certificate }) => hasSameKey(certificate, shown));
}

/** True when at least one certificate on record is in date: then the server is expected to offer TLS. */
export function hasValidOnRecord(server: CertificatesHeld, now: Date, toleranceMs: number): boolean {
  return certificatesOnRecord(server, now).some(
    ({ certificate }) => validityAt(certificate, now, toleranceMs) === 'valid',
  );
}
