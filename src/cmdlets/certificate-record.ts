// How the *-ExchangeCertificate cmdlets show a certificate of the store, and how they find one by its thumbprint.
// Properties and their order are Exchange's; Sha256 is our own.

import { Problem } from '../problem.ts';
import { type Certificate, validityAt } from '../tls/certificate.ts';
import type { CertificateStore, StoredCertificate } from '../tls/certificate-store.ts';
import type { Column, OutputRecord } from './output.ts';

/** The columns of every cmdlet that lists certificates. */
export const CERTIFICATE_TABLE: readonly Column[] = [
  'Thumbprint',
  { header: 'Services', value: (record) => (record['Services'] === 'SMTP' ? '....S' : '.....') },
  'Subject',
];

/** The `| fl` list of a certificate; Status is the one at `now`. */
export function certificateRecord(stored: StoredCertificate, now: Date): OutputRecord {
  const { certificate } = stored;
  return {
    CertificateDomains: certificate.domains,
    HasPrivateKey: stored.hasPrivateKey,
    IsSelfSigned: certificate.selfSigned,
    Issuer: certificate.issuer,
    NotAfter: certificate.notAfter,
    NotBefore: certificate.notBefore,
    PublicKeySize: certificate.keySizeBits,
    RootCAType: stored.rootCaType,
    SerialNumber: certificate.serialNumber,
    Services: stored.services.includes('SMTP') ? 'SMTP' : 'None',
    Status: statusOf(stored, now),
    Subject: certificate.subject,
    Thumbprint: certificate.thumbprint,
    Sha256: certificate.sha256,
  };
}

function statusOf({ certificate, pendingRequest }: StoredCertificate, now: Date): string {
  if (pendingRequest) return 'PendingRequest';
  return validityAt(certificate, now) === 'valid' ? 'Valid' : 'DateInvalid';
}

/** The entry with this SHA-1 or SHA-256 thumbprint; throws Problem `certificate-not-found`. */
export function findCertificate(store: CertificateStore, thumbprint: string): StoredCertificate {
  if (thumbprint.length !== 64) return store.get(thumbprint);
  const found = store.list().find(({ certificate }) => certificate.sha256 === thumbprint);
  if (found !== undefined) return found;
  throw new Problem('certificate-not-found', `no certificate in the store has the SHA-256 thumbprint "${thumbprint}"`);
}

/** A warning when the certificate is out of its dates at `now`, else none. */
export function dateWarnings(certificate: Certificate, now: Date): readonly string[] {
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  switch (validityAt(certificate, now)) {
    case 'expired':
      return [`the certificate ${certificate.thumbprint} expired on ${day(certificate.notAfter)}`];
    case 'not-yet-valid':
      return [`the certificate ${certificate.thumbprint} is not valid before ${day(certificate.notBefore)}`];
    default:
      return [];
  }
}
