// Get-ExchangeCertificate: the certificates of this server's own store, pending requests included.

import { namesServer } from '../tls/certificate.ts';
import type { StoredCertificate } from '../tls/certificate-store.ts';
import { CERTIFICATE_TABLE, certificateRecord, findCertificate } from './certificate-record.ts';
import { renewalOfCertificate } from './certificate-staging.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const getExchangeCertificate = defineCmdlet({
  name: 'Get-ExchangeCertificate',
  roles: ['hub', 'edge'],
  synopsis: "List the certificates of this server's store",
  description:
    'Newest first. Services shows S for SMTP. Status follows the clock of the server. Renewal says which certificate is the current one, which is staged and for whom it waits, and until when the previous one stays on record.',
  examples: [
    'Get-ExchangeCertificate',
    'Get-ExchangeCertificate -DomainName mail.contoso.com',
    'Get-ExchangeCertificate 0123456789ABCDEF0123456789ABCDEF01234567 --list',
  ],
  parameters: {
    Thumbprint: { type: 'thumbprint', help: 'Only this one; SHA-1 or SHA-256' },
    DomainName: { type: 'strings', help: 'Only certificates made out to one of these names' },
  },
  positional: ['Thumbprint'],
  table: CERTIFICATE_TABLE,
  changes: false,
  run(context: ServerContext, { Thumbprint, DomainName }) {
    const { certificates, clock } = context;
    const all = Thumbprint === undefined ? certificates.list() : [findCertificate(certificates, Thumbprint)];
    const found = all.filter((stored) => DomainName === undefined || isMadeOutTo(stored, DomainName));
    const records = found.map((stored) => ({
      ...certificateRecord(stored, clock.now()),
      Renewal: renewalOfCertificate(context, stored.certificate),
    }));
    return { records };
  },
});

function isMadeOutTo({ certificate }: StoredCertificate, names: readonly string[]): boolean {
  // A wildcard is asked for as it is written; it names no server.
  const written = new Set(certificate.domains.map((domain) => domain.toLowerCase()));
  return names.some((name) => namesServer(certificate, name) || written.has(name.toLowerCase()));
}
