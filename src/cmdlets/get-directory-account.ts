// Get-DirectoryAccount: who may come in over LDAP, besides EdgeSync.

import { defineCmdlet } from './cmdlet.ts';
import {
  describeDirectoryAccount,
  DIRECTORY_ACCOUNT_NOUN,
  DIRECTORY_ACCOUNT_TABLE,
} from './directory-account-record.ts';
import { chooseByIdentity } from './object-identity.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const getDirectoryAccount = defineCmdlet({
  name: 'Get-DirectoryAccount',
  roles: ['hub', 'edge'],
  synopsis: 'Show the accounts that may read or join the directory over LDAPS',
  description:
    "EdgeSync's own accounts are not among them. No password is kept, only what one is checked with, and that is not shown.",
  examples: ['Get-DirectoryAccount', 'Get-DirectoryAccount monitoring --list'],
  parameters: { Identity: { type: 'string', help: 'Name or GUID of a directory account; all when absent' } },
  positional: ['Identity'],
  table: DIRECTORY_ACCOUNT_TABLE,
  changes: false,
  run(context: ServerContext, { Identity }) {
    const { directoryAccounts } = organizationOf(context).snapshot();
    const scope = { noun: DIRECTORY_ACCOUNT_NOUN, serverName: context.config.netbiosName };
    return { records: chooseByIdentity(directoryAccounts, Identity, scope).map(describeDirectoryAccount) };
  },
});
