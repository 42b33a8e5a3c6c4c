// Enable-ExchangeCertificate: lets a certificate of the store serve. Services are only ever added, as in Exchange.

import {
  refuseStagingConflict,
  refuseUnstageable,
  stageInDirectory,
  STAGING_PARAMETERS,
} from './certificate-staging.ts';
import { OVERWRITE_QUESTION, serveSmtp } from './certificate-publishing.ts';
import { findCertificate } from './certificate-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const enableExchangeCertificate = defineCmdlet({
  name: 'Enable-ExchangeCertificate',
  roles: ['hub', 'edge'],
  synopsis: 'Let a certificate serve SMTP from the next handshake on',
  description:
    'If the certificate names this server it becomes the internal transport certificate, which the other side of the pair must learn: on an Edge by a new Edge Subscription, on a Hub by Start-EdgeSynchronization. With -Staged that happens by EdgeSync before the certificate takes over, and no mail waits. A certificate that does not name this server serves by SNI and by the FQDN of a Receive connector only.',
  examples: [
    'Enable-ExchangeCertificate 0123456789ABCDEF0123456789ABCDEF01234567 -Services SMTP',
    'Enable-ExchangeCertificate 0123456789ABCDEF0123456789ABCDEF01234567 -Services SMTP -Staged -GracePeriod 2d',
  ],
  parameters: {
    Thumbprint: { type: 'thumbprint', required: true, help: 'Which one; SHA-1 or SHA-256' },
    Services: { type: 'enum', choices: ['SMTP'], required: true, help: 'What it shall serve beside what it serves' },
    ...STAGING_PARAMETERS,
  },
  positional: ['Thumbprint'],
  table: [],
  changes: true,
  confirm: ({ Staged }) => (Staged ? undefined : OVERWRITE_QUESTION),
  async run(context: ServerContext, parameters) {
    refuseStagingConflict(parameters);
    const { certificate, pendingRequest } = findCertificate(context.certificates, parameters.Thumbprint);
    if (parameters.Staged && !pendingRequest) {
      refuseUnstageable(context, certificate);
      return { records: [], ...(await stageInDirectory(context, certificate, parameters.GracePeriod)) };
    }
    const { notices, warnings } = serveSmtp(context, certificate);
    return { records: [], notices, warnings };
  },
});
