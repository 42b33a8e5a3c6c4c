// Import-Recipient: recipients from a CSV file or from a search in another directory over LDAPS. All or nothing; what is there
// already is changed to what the source says, and nothing is removed.

import { connectLdap, type LdapClient } from '../ldap/client.ts';
import { readRecipientFile } from '../directory/recipient-file.ts';
import { type ImportedRecipient, importRecipients } from '../directory/recipient-import.ts';
import { recipientFromEntry, SOURCE_ATTRIBUTES } from '../directory/recipient-source.ts';
import { messageOf, Problem } from '../problem.ts';
import { type Certificate, isSameCertificate, parseCertificate } from '../tls/certificate.ts';
import { type CmdletCall, defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import type { InputFile } from './parameters.ts';
import { requireHub } from './roles.ts';
import type { ServerContext } from './server-context.ts';

/** People who wait hear something about once a second. */
const PROGRESS_EVERY = 10_000;

interface LdapSource {
  readonly Server: string | undefined;
  readonly BaseDN: string | undefined;
  readonly Filter: string;
  readonly CertificateFile: InputFile | undefined;
  readonly UserName: string | undefined;
  readonly Password: string | undefined;
}

export const importRecipient = defineCmdlet({
  name: 'Import-Recipient',
  roles: ['hub'],
  synopsis: 'Make or change many recipients, from a CSV file or from another directory',
  description:
    'The file has a header row with PrimarySmtpAddress and, if you like, Name, DisplayName, EmailAddresses (several, joined by semicolons) and RequireSenderAuthenticationEnabled. From a directory proxyAddresses and mail are read. All or nothing; a recipient is known again by its primary address, and none is removed.',
  examples: [
    'Import-Recipient -FileName people.csv -WhatIf',
    'Import-Recipient -Server ldaps://dc01.contoso.com -BaseDN OU=Staff,DC=contoso,DC=com -CertificateFile dc01.pem -UserName CN=reader,DC=contoso,DC=com -Password -',
  ],
  parameters: {
    FileName: { type: 'inputFile', help: 'A CSV file in UTF-8' },
    Server: { type: 'string', help: 'Another directory instead, as ldaps://host or ldaps://host:port' },
    BaseDN: { type: 'string', help: 'Where in that directory to look' },
    Filter: {
      type: 'string',
      default: '(|(mail=*)(proxyAddresses=*))',
      help: 'Which of its entries, as RFC 4515 writes it',
    },
    CertificateFile: { type: 'inputFile', help: "The certificate that the directory's server must show, PEM or DER" },
    UserName: { type: 'string', help: 'Name to bind with' },
    Password: { type: 'secret', help: 'Its password' },
    WhatIf: { type: 'switch', help: 'Say what would be done, and change nothing' },
  },
  positional: ['FileName'],
  table: ['Added', 'Updated', 'Unchanged'],
  changes: true,
  async run(context: ServerContext, { FileName, WhatIf, ...source }, call) {
    const { recipients } = requireHub(context).activeDirectory;
    if ((FileName === undefined) === (source.Server === undefined)) {
      throw new Problem('bad-value', 'give either -FileName or -Server, and not both');
    }
    call.progress('Reading the recipients …');
    const imported = FileName
      ? await readRecipientFile(FileName.name, FileName.content)
      : await readByLdap(source, call);
    const progress = (count: number): void => {
      if (count % PROGRESS_EVERY === 0 || count === imported.length)
        call.progress(`${count} of ${imported.length} looked at`);
    };
    const { added, updated, unchanged } = await importRecipients(recipients, imported, { dryRun: WhatIf, progress });
    return {
      records: [{ Added: added, Updated: updated, Unchanged: unchanged }],
      notices: WhatIf ? ['Nothing was changed (-WhatIf).'] : added + updated > 0 ? edgeSyncNotices(context) : [],
    };
  },
});

async function readByLdap(source: LdapSource, call: CmdletCall): Promise<ImportedRecipient[]> {
  const client = await dial(source);
  try {
    if (source.UserName !== undefined) await client.bindSimple(source.UserName, source.Password ?? '');
    const { BaseDN: base, Filter: filter } = source;
    if (base === undefined) throw new Problem('missing-parameter', 'Import-Recipient needs -BaseDN with -Server');
    const imported: ImportedRecipient[] = [];
    for await (const page of client.searchPages({ base, scope: 'sub', filter, attributes: SOURCE_ATTRIBUTES })) {
      for (const entry of page) {
        const recipient = recipientFromEntry(entry);
        if (recipient) imported.push(recipient);
      }
      if (call.signal.aborted) throw new Problem('cancelled', 'the import was given up');
    }
    if (imported.length === 0)
      throw new Problem('not-found', `no entry under ${base} that ${filter} matches has an address`);
    return imported;
  } finally {
    await client.close();
  }
}

function dial({ Server = '', CertificateFile }: LdapSource): Promise<LdapClient> {
  const { host, port } = readServer(Server);
  const pinned = CertificateFile && readCertificate(CertificateFile);
  if (!pinned) {
    throw new Problem(
      'missing-parameter',
      `Import-Recipient needs -CertificateFile, the certificate that ${host} must show`,
    );
  }
  return connectLdap({
    host,
    port,
    approve: ({ peerCertificate: shown }) =>
      shown && isSameCertificate(shown, pinned)
        ? undefined
        : new Problem(
            'direct-trust-failed',
            `${host} showed the certificate ${shown?.thumbprint ?? 'none'}, not the one in ${CertificateFile.name}: nothing was sent`,
          ),
  });
}

function readServer(text: string): { host: string; port: number } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'ldaps:' || url.hostname === '') {
    throw new Problem(
      'bad-value',
      `-Server is "${text}"; write it as ldaps://dc01.contoso.com or with :port behind it`,
    );
  }
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: url.port === '' ? 636 : Number(url.port) };
}

function readCertificate({ name, content }: InputFile): Certificate {
  try {
    return parseCertificate(content);
  } catch (error) {
    throw new Problem('bad-certificate', `${name} is no certificate (${messageOf(error)})`, { cause: error });
  }
}
