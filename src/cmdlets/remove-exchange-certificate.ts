// Remove-ExchangeCertificate: takes a certificate and its key, or a pending request, out of the store for good. The internal
// transport certificate stays: the other side of the pair has it on record.

import { unstageInDirectory } from './certificate-staging.ts';
import { findCertificate } from './certificate-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const removeExchangeCertificate = defineCmdlet({
  name: 'Remove-ExchangeCertificate',
  roles: ['hub', 'edge'],
  synopsis: 'Remove a certificate and its private key from the store',
  description:
    'The internal transport certificate is refused: enable another one in its place first. Removing a staged certificate gives the renewal up.',
  examples: ['Remove-ExchangeCertificate 0123456789ABCDEF0123456789ABCDEF01234567'],
  parameters: {
    Thumbprint: { type: 'thumbprint', required: true, help: 'Which one; SHA-1 or SHA-256' },
  },
  positional: ['Thumbprint'],
  table: [],
  changes: true,
  confirm: ({ Thumbprint }) => `Remove the certificate ${Thumbprint} and its private key for good?`,
  async run(context: ServerContext, { Thumbprint }) {
    const { certificates, log } = context;
    const { certificate } = findCertificate(certificates, Thumbprint);
    const { thumbprint } = certificate;
    const wasStaged = await unstageInDirectory(context, certificate);
    certificates.remove(thumbprint);
    log.info({ thumbprint, wasStaged }, 'a certificate was removed');
    return { records: [], ...(wasStaged && { notices: ['It was staged: the staged renewal is given up.'] }) };
  },
});
