// Remove-ExchangeCertificate: takes a certificate and its key, or a pending request, out of the store for good. The internal
// transport certificate stays: the other side of the pair has it on record.

import { findCertificate } from './certificate-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const removeExchangeCertificate = defineCmdlet({
  name: 'Remove-ExchangeCertificate',
  roles: ['hub', 'edge'],
  synopsis: 'Remove a certificate and its private key from the store',
  description: 'The internal transport certificate is refused: enable another one in its place first.',
  examples: ['Remove-ExchangeCertificate 0123456789ABCDEF0123456789ABCDEF01234567'],
  parameters: {
    Thumbprint: { type: 'thumbprint', required: true, help: 'Which one; SHA-1 or SHA-256' },
  },
  positional: ['Thumbprint'],
  table: [],
  changes: true,
  confirm: ({ Thumbprint }) => `Remove the certificate ${Thumbprint} and its private key for good?`,
  run({ certificates, log }: ServerContext, { Thumbprint }) {
    const { thumbprint } = findCertificate(certificates, Thumbprint).certificate;
    certificates.remove(thumbprint);
    log.info({ thumbprint }, 'a certificate was removed');
    return { records: [] };
  },
});
