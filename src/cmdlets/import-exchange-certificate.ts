// Import-ExchangeCertificate: brings a certificate from one's own PKI or a bought one into the store, as a pair with its key
// (PFX or PEM) or as an authority's answer to a pending request. It serves for nothing until it is enabled.

import { holdsCertificatesOnly, importIssuedCertificate, importPair } from '../tls/certificate-import.ts';
import { hasSameKey, namesServer } from '../tls/certificate.ts';
import type { StoredCertificate } from '../tls/certificate-store.ts';
import { refuseOnTwoServers } from './certificate-publishing.ts';
import { CERTIFICATE_TABLE, certificateRecord, dateWarnings } from './certificate-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { Arguments, Parameters } from './parameters.ts';
import type { ServerContext } from './server-context.ts';

const PARAMETERS = {
  FileName: { type: 'inputFile', required: true, help: 'A PFX, or PEM with certificate, chain and key' },
  Password: { type: 'secret', help: 'What protects the private key in the file' },
  PrivateKeyExportable: { type: 'boolean', help: 'Whether the key may be exported later', default: '$false' },
  FriendlyName: { type: 'string', help: 'A name for people' },
} as const satisfies Parameters;

type ImportArguments = Arguments<typeof PARAMETERS>;

export const importExchangeCertificate = defineCmdlet({
  name: 'Import-ExchangeCertificate',
  roles: ['hub', 'edge'],
  synopsis: "Import a certificate with its key, or the answer to this server's request",
  description:
    'RSA of 2048 bits or more, or EC. The answer to a request may be PEM or DER without a key: the request has it. A certificate that another server of the organisation uses is refused.',
  examples: [
    'Import-ExchangeCertificate -FileName mail.pfx -Password -',
    'Import-ExchangeCertificate -FileName answer.pem',
  ],
  parameters: PARAMETERS,
  positional: ['FileName'],
  table: CERTIFICATE_TABLE,
  changes: true,
  run(context: ServerContext, parameters) {
    const now = context.clock.now();
    const isAnswer = holdsCertificatesOnly(parameters.FileName.content);
    const stored = isAnswer ? completeRequest(context, parameters) : addPair(context, parameters);
    const { thumbprint } = stored.certificate;
    return {
      records: [certificateRecord(stored, now)],
      notices: [
        `It serves for nothing yet: run Enable-ExchangeCertificate ${thumbprint} -Services SMTP${howToEnable(context, stored)}`,
      ],
      warnings: [...dateWarnings(stored.certificate, now), ...(isAnswer ? ignoredWarnings(parameters) : [])],
    };
  },
});

/** A certificate that will be the internal transport certificate is best staged, a re-issued one most of all. */
function howToEnable({ certificates, config }: ServerContext, { certificate }: StoredCertificate): string {
  const internal = certificates.internalTransport()?.certificate;
  if (!internal || !namesServer(certificate, config.fqdn)) return '.';
  const why = hasSameKey(internal, certificate)
    ? 'it was issued for the key of the present one (same-key-reissued), and the other side pins the certificate, not the key'
    : 'the other side then has it on record before it takes over';
  return ` -Staged (${why}).`;
}

function completeRequest(context: ServerContext, { FileName }: ImportArguments): StoredCertificate {
  const issued = importIssuedCertificate(FileName.content);
  refuseOnTwoServers(context, issued.certificate);
  return context.certificates.completeRequest(issued);
}

function addPair(context: ServerContext, parameters: ImportArguments): StoredCertificate {
  const { FileName, Password, PrivateKeyExportable, FriendlyName } = parameters;
  const pair = importPair(FileName.content, Password);
  refuseOnTwoServers(context, pair.certificate);
  return context.certificates.add(pair, {
    exportable: PrivateKeyExportable,
    ...(FriendlyName === undefined ? {} : { friendlyName: FriendlyName }),
  });
}

function ignoredWarnings({ PrivateKeyExportable, FriendlyName }: ImportArguments): readonly string[] {
  if (!PrivateKeyExportable && FriendlyName === undefined) return [];
  return ['-PrivateKeyExportable and -FriendlyName were settled when the request was made, and stay as they were'];
}
