// Export-ExchangeCertificate: a certificate with its key as PFX (PKCS#12) under a password, or a pending request as PKCS#10.

import { Problem } from '../problem.ts';
import { exportPfx } from '../tls/certificate-export.ts';
import type { StoredCertificate } from '../tls/certificate-store.ts';
import { readPem } from '../tls/pem.ts';
import { findCertificate } from './certificate-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { CmdletOutput } from './output.ts';
import type { Arguments, Parameters } from './parameters.ts';
import type { ServerContext } from './server-context.ts';

const PARAMETERS = {
  Thumbprint: { type: 'thumbprint', required: true, help: 'Which one; SHA-1 or SHA-256' },
  FileName: { type: 'outputFile', required: true, help: 'The file to write' },
  Password: { type: 'secret', help: 'Protects the private key in the file; not needed for a request' },
  BinaryEncoded: { type: 'switch', help: 'Write a request as DER and not as PEM; a PFX is always binary' },
} as const satisfies Parameters;

type ExportArguments = Arguments<typeof PARAMETERS>;

export const exportExchangeCertificate = defineCmdlet({
  name: 'Export-ExchangeCertificate',
  roles: ['hub', 'edge'],
  synopsis: 'Write a certificate with its private key, or a pending request, to a file',
  description: 'The key leaves only if the certificate was made or imported with -PrivateKeyExportable $true.',
  examples: [
    'Export-ExchangeCertificate 0123456789ABCDEF0123456789ABCDEF01234567 -FileName mail.pfx -Password -',
    'Export-ExchangeCertificate 0123456789ABCDEF0123456789ABCDEF01234567 -FileName request.pem',
  ],
  parameters: PARAMETERS,
  positional: ['Thumbprint'],
  table: [],
  changes: false,
  run({ certificates, log }: ServerContext, parameters) {
    const stored = findCertificate(certificates, parameters.Thumbprint);
    const { thumbprint } = stored.certificate;
    const requestPem = certificates.requestPem(thumbprint);
    if (requestPem !== undefined) return writeRequest(requestPem, parameters);
    const pair = certificates.exportPrivateKey(thumbprint);
    const content = exportPfx(pair, passwordOf(parameters), { friendlyName: stored.friendlyName });
    log.info({ thumbprint }, 'a private key was exported');
    return writePfx(stored, content, parameters);
  },
});

function passwordOf({ Password }: ExportArguments): string {
  if (Password !== undefined) return Password;
  throw new Problem(
    'password-required',
    'the file will hold the private key: add -Password to protect it (-Password - asks for it or reads it from standard input)',
  );
}

function writeRequest(requestPem: string, { BinaryEncoded, FileName }: ExportArguments): CmdletOutput {
  const der = readPem(requestPem).blocks[0]?.der;
  const content = BinaryEncoded && der !== undefined ? der : Buffer.from(requestPem);
  return {
    records: [],
    files: [{ parameter: 'FileName', content, mode: 0o644 }],
    notices: [`${FileName} holds the certificate request.`],
  };
}

function writePfx(
  { certificate, chain }: StoredCertificate,
  content: Buffer,
  { FileName }: ExportArguments,
): CmdletOutput {
  const withChain = chain.length === 0 ? '' : ` and ${chain.length} of its chain`;
  return {
    records: [],
    files: [{ parameter: 'FileName', content }],
    notices: [
      `${FileName} holds the certificate ${certificate.thumbprint}${withChain} with the private key, under the password.`,
    ],
  };
}
