// Remove-DirectoryAccount: it is nobody from then on, on connections that are open too.

import { defineCmdlet } from './cmdlet.ts';
import { DIRECTORY_ACCOUNT_NOUN } from './directory-account-record.ts';
import { findByIdentity } from './object-identity.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const removeDirectoryAccount = defineCmdlet({
  name: 'Remove-DirectoryAccount',
  roles: ['hub', 'edge'],
  synopsis: 'Take an account of the directory away',
  description: 'Connections that it has open are nobody from then on. A hub that joined with it reads AD no more.',
  examples: ['Remove-DirectoryAccount monitoring'],
  parameters: { Identity: { type: 'string', required: true, help: 'Name or GUID of the directory account' } },
  positional: ['Identity'],
  table: [],
  changes: true,
  confirm: ({ Identity }) => `Remove the directory account "${Identity}"? Whoever uses it is refused from then on.`,
  async run(context: ServerContext, { Identity }) {
    const organization = organizationOf(context);
    const scope = { noun: DIRECTORY_ACCOUNT_NOUN, serverName: context.config.netbiosName };
    await organization.removeDirectoryAccount(
      findByIdentity(organization.snapshot().directoryAccounts, Identity, scope).name,
    );
    return { records: [] };
  },
});
