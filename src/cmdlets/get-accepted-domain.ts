// Get-AcceptedDomain: whom the organisation takes mail for.

import { ACCEPTED_DOMAIN_NOUN, ACCEPTED_DOMAIN_TABLE, describeAcceptedDomain } from './accepted-domain-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import { chooseByIdentity } from './object-identity.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const getAcceptedDomain = defineCmdlet({
  name: 'Get-AcceptedDomain',
  roles: ['hub', 'edge'],
  synopsis: 'Show the accepted domains',
  examples: ['Get-AcceptedDomain', 'Get-AcceptedDomain Contoso --list'],
  parameters: { Identity: { type: 'string', help: 'Name or GUID of an accepted domain; all when absent' } },
  positional: ['Identity'],
  table: ACCEPTED_DOMAIN_TABLE,
  changes: false,
  run(context: ServerContext, { Identity }) {
    const { acceptedDomains } = organizationOf(context).snapshot();
    const scope = { noun: ACCEPTED_DOMAIN_NOUN, serverName: context.config.netbiosName };
    return { records: chooseByIdentity(acceptedDomains, Identity, scope).map(describeAcceptedDomain) };
  },
});
