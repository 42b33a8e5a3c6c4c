// Get-ExchangeCertificate: the certificates of this server's own store, pending requests included.

import { namesServer } from '../tls/certificate.ts';
import type { StoredCertificate } from '../tls/certificate-store.ts';
import { CERTIFICATE_TABLE, certificateRecord, findCertificate } from './certificate-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const getExchangeCertificate = defineCmdlet({
  name: 'Get-ExchangeCertificate',
  roles: ['hub', 'edge'],
  synopsis: "List the certificates of this server's store",
  description: 'Newest first. Services shows S for SMTP. Status follows the clock of the server.',
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
    return { records: found.map((stored) => certificateRecord(stored, clock.now())) };
  },
});

function isMadeOutTo({ certificate }: StoredCertificate, names: readonly string[]): boolean {
  // A wildcard is asked for as it is written; it names no server.
  const written = new Set(certificate.domains.map((domain) => domain.toLowerCase()));
  return names.some((name) => namesServer(certificate, name) || written.has(name.toLowerCase()));
}
