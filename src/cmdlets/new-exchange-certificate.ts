// New-ExchangeCertificate: a self-signed certificate that can serve at once, or a PKCS#10 request for one from an authority.

import { isIP } from 'node:net';
import { Problem } from '../problem.ts';
import { parseSubjectName } from '../tls/certificate-names.ts';
import { createCertificateRequest } from '../tls/certificate-request.ts';
import { createSelfSigned } from '../tls/self-signed.ts';
import type { KeyPair } from '../tls/key-pair.ts';
import { OVERWRITE_QUESTION, serveSmtp } from './certificate-publishing.ts';
import {
  refuseStagingConflict,
  refuseUnstageable,
  stageInDirectory,
  STAGING_PARAMETERS,
} from './certificate-staging.ts';
import { CERTIFICATE_TABLE, certificateRecord } from './certificate-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { CmdletOutput } from './output.ts';
import type { Arguments, Parameters } from './parameters.ts';
import type { ServerContext } from './server-context.ts';

const PARAMETERS = {
  GenerateRequest: { type: 'switch', help: 'Make a certificate request instead of a self-signed certificate' },
  Path: { type: 'outputFile', help: 'Where to write the request; it is printed when absent' },
  SubjectName: { type: 'string', help: 'Such as "CN=mail.contoso.com, O=Contoso, C=US"' },
  DomainName: { type: 'strings', help: "Names of the certificate; by default the server's own" },
  KeySize: { type: 'integer', help: 'Bits of the RSA key: 2048, 3072 or 4096', default: '2048' },
  PrivateKeyExportable: { type: 'boolean', help: 'Whether the key may be exported later', default: '$false' },
  FriendlyName: { type: 'string', help: 'A name for people', default: 'Microsoft Exchange' },
  Services: { type: 'enum', choices: ['SMTP', 'None'], help: 'What a self-signed one serves; SMTP when absent' },
  ...STAGING_PARAMETERS,
} as const satisfies Parameters;

type NewArguments = Arguments<typeof PARAMETERS>;

export const newExchangeCertificate = defineCmdlet({
  name: 'New-ExchangeCertificate',
  roles: ['hub', 'edge'],
  synopsis: 'Make a self-signed certificate or a certificate request',
  description:
    'A self-signed certificate is valid for a year and enabled for SMTP. If it names this server it becomes the internal transport certificate, which the other side of the pair must learn: on an Edge by a new Edge Subscription, on a Hub by Start-EdgeSynchronization. With -Staged the other side learns it before it takes over, and no mail waits. The answer to a request comes in by Import-ExchangeCertificate.',
  examples: [
    'New-ExchangeCertificate',
    'New-ExchangeCertificate -Staged -GracePeriod 2d',
    'New-ExchangeCertificate -DomainName mail.contoso.com,smtp.contoso.com -PrivateKeyExportable true',
    'New-ExchangeCertificate -GenerateRequest -DomainName mail.contoso.com,edge01.contoso.com -Path request.pem',
  ],
  parameters: PARAMETERS,
  table: CERTIFICATE_TABLE,
  changes: true,
  confirm: ({ GenerateRequest, Services, Staged }) =>
    GenerateRequest || Staged || Services === 'None' ? undefined : OVERWRITE_QUESTION,
  run(context: ServerContext, parameters) {
    refuseContradiction(parameters);
    return parameters.GenerateRequest ? makeRequest(context, parameters) : makeSelfSigned(context, parameters);
  },
});

function refuseContradiction(parameters: NewArguments): void {
  const { GenerateRequest, Path, Services, Staged } = parameters;
  refuseStagingConflict(parameters);
  if (Staged && GenerateRequest) {
    throw new Problem(
      'parameter-conflict',
      '-Staged needs the certificate itself: leave it out, import the answer to the request and run Enable-ExchangeCertificate -Staged then',
    );
  }
  if (Staged && Services === 'None') {
    throw new Problem('parameter-conflict', '-Staged is for a certificate that is to serve: leave -Services None out');
  }
  if (GenerateRequest && Services !== undefined) {
    throw new Problem(
      'parameter-conflict',
      '-Services goes with a self-signed certificate: leave it out, import the answer to the request and run Enable-ExchangeCertificate then',
    );
  }
  if (!GenerateRequest && Path !== undefined) {
    throw new Problem('parameter-conflict', '-Path is for a certificate request: add -GenerateRequest or leave it out');
  }
}

async function makeSelfSigned(context: ServerContext, parameters: NewArguments): Promise<CmdletOutput> {
  const { certificates, clock, config } = context;
  const { netbiosName, fqdn } = config;
  const pair = await createSelfSigned({
    netbiosName,
    fqdn,
    notBefore: clock.now(),
    keySizeBits: parameters.KeySize,
    domains: chooseDomains(parameters, [netbiosName, fqdn]),
    ...subjectOf(parameters),
  });
  if (parameters.Staged) return stageSelfSigned(context, pair, parameters);
  const added = certificates.add(pair, addOptions(parameters));
  if (parameters.Services === 'None') return { records: [certificateRecord(added, clock.now())] };
  const { stored, notices, warnings } = serveSmtp(context, added.certificate);
  return { records: [certificateRecord(stored, clock.now())], notices, warnings };
}

/** In the store first: what is on record must have its key here. A directory that does not take it leaves nothing behind. */
async function stageSelfSigned(context: ServerContext, pair: KeyPair, parameters: NewArguments): Promise<CmdletOutput> {
  const { certificates, clock } = context;
  refuseUnstageable(context, pair.certificate);
  const { thumbprint } = certificates.add(pair, addOptions(parameters)).certificate;
  try {
    const told = await stageInDirectory(context, pair.certificate, parameters.GracePeriod);
    return { records: [certificateRecord(certificates.get(thumbprint), clock.now())], ...told };
  } catch (error) {
    certificates.remove(thumbprint);
    throw error;
  }
}

async function makeRequest(context: ServerContext, parameters: NewArguments): Promise<CmdletOutput> {
  const { certificates, clock, config } = context;
  const request = await createCertificateRequest({
    // No authority signs for a NetBIOS name.
    domains: chooseDomains(parameters, [config.fqdn]),
    keySizeBits: parameters.KeySize,
    notBefore: clock.now(),
    ...subjectOf(parameters),
  });
  const stored = certificates.addRequest(request, addOptions(parameters));
  const records = [certificateRecord(stored, clock.now())];
  const next = 'Send the request to a certification authority and import its answer with Import-ExchangeCertificate.';
  if (parameters.Path === undefined) return { records, notices: [...request.requestPem.trim().split(/\r?\n/), next] };
  const file = { parameter: 'Path', content: Buffer.from(request.requestPem), mode: 0o644 };
  return { records, files: [file], notices: [next] };
}

function subjectOf({ SubjectName }: NewArguments): { subjectName?: string } {
  return SubjectName === undefined ? {} : { subjectName: SubjectName };
}

function addOptions({ PrivateKeyExportable, FriendlyName }: NewArguments): {
  exportable: boolean;
  friendlyName: string;
} {
  return { exportable: PrivateKeyExportable, friendlyName: FriendlyName };
}

/** Beside a SAN the common name counts for nothing (RFC 6125 §6.4.4), so one that is a host name is put in it as well. */
function chooseDomains({ DomainName, SubjectName }: NewArguments, own: readonly string[]): readonly string[] {
  const names = DomainName === undefined || DomainName.length === 0 ? own : DomainName;
  const fields = SubjectName === undefined ? [] : parseSubjectName(SubjectName);
  const commonName: unknown = fields.find(({ name }) => name === 'commonName')?.value;
  const isHostName = typeof commonName === 'string' && /^(?:\*\.)?[\w-]+(?:\.[\w-]+)+$/.test(commonName);
  return isHostName && isIP(commonName) === 0 ? [commonName, ...names] : names;
}
