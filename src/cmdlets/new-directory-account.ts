// New-DirectoryAccount: somebody may come in over LDAPS, by a password that is made here and goes into a file, by a
// certificate, or by either. The password is printed nowhere, and only what it is checked with is kept.

import { randomBytes } from 'node:crypto';
import {
  DIRECTORY_ACCOUNT_KINDS,
  type DirectoryAccount,
  validateDirectoryAccount,
} from '../directory/directory-account.ts';
import { derivePasswordVerifier } from '../directory/password-verifier.ts';
import { Problem } from '../problem.ts';
import { parseCertificate } from '../tls/certificate.ts';
import { dateWarnings } from './certificate-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import {
  describeDirectoryAccount,
  DIRECTORY_ACCOUNT_NOUN,
  DIRECTORY_ACCOUNT_TABLE,
} from './directory-account-record.ts';
import { findByIdentity } from './object-identity.ts';
import type { OutputFile } from './output.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

const PASSWORD_BYTES = 32;

export const newDirectoryAccount = defineCmdlet({
  name: 'New-DirectoryAccount',
  roles: ['hub', 'edge'],
  synopsis: 'Let somebody read the directory over LDAPS, or another hub join it',
  description:
    'A Reader reads everything but secrets. A Hub, on a Hub only, is another hub of the site that joins this AD: it reads and writes everything, password verifiers are shown to nobody. The password is made here and written into -PasswordFile (mode 0600, without a line end, as ldapsearch -y wants it).',
  examples: [
    'New-DirectoryAccount monitoring -PasswordFile monitoring.password',
    'New-DirectoryAccount HUB02 -Kind Hub -CertificateFile hub02.crt',
  ],
  parameters: {
    Name: { type: 'string', required: true, help: 'What to call it; it binds as CN=name' },
    Kind: { type: 'enum', choices: DIRECTORY_ACCOUNT_KINDS, default: 'Reader', help: 'What it may do' },
    PasswordFile: { type: 'outputFile', help: 'The file that its password is written into' },
    CertificateFile: { type: 'inputFile', help: 'A certificate, PEM or DER, whose key proves it (SASL EXTERNAL)' },
  },
  positional: ['Name'],
  table: DIRECTORY_ACCOUNT_TABLE,
  changes: true,
  async run(context: ServerContext, { Name, Kind, PasswordFile, CertificateFile }) {
    const organization = organizationOf(context);
    if (Kind === 'Hub' && !context.hub) {
      throw new Problem('bad-value', '-Kind Hub is for an account in AD: make it on a Hub; an Edge has Readers');
    }
    const certificate = CertificateFile && parseCertificate(CertificateFile.content);
    const password = PasswordFile === undefined ? undefined : randomBytes(PASSWORD_BYTES).toString('base64url');
    const account: DirectoryAccount = {
      name: Name,
      kind: Kind,
      passwordVerifier: password === undefined ? undefined : await derivePasswordVerifier(password),
      certificate,
    };
    validateDirectoryAccount(account);
    await organization.addDirectoryAccount(account);
    const scope = { noun: DIRECTORY_ACCOUNT_NOUN, serverName: context.config.netbiosName };
    const made = findByIdentity(organization.snapshot().directoryAccounts, Name, scope);
    const files: OutputFile[] =
      password === undefined ? [] : [{ parameter: 'PasswordFile', content: Buffer.from(password), mode: 0o600 }];
    return {
      records: [describeDirectoryAccount(made)],
      files,
      notices: [`It binds as ${made.record.dn}.`, ...listenNotices(context)],
      warnings: certificate ? dateWarnings(certificate, context.clock.now()) : [],
    };
  },
});

/** A hub serves its AD only where its config says so; one that joined another's AD serves none. */
function listenNotices({ config, hub }: ServerContext): string[] {
  if (!hub || config.listen.ldaps || config.directory.backend !== 'embedded') return [];
  return [`Nobody can come in yet: ${config.path} has no listen.ldaps; add it and start the Hub again.`];
}
