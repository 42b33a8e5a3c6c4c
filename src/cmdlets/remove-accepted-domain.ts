// Remove-AcceptedDomain: mail to it is refused from now on. The default of several must hand over first.

import { ACCEPTED_DOMAIN_NOUN } from './accepted-domain-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import { findByIdentity } from './object-identity.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const removeAcceptedDomain = defineCmdlet({
  name: 'Remove-AcceptedDomain',
  roles: ['hub', 'edge'],
  synopsis: 'Stop taking mail for a domain',
  examples: ['Remove-AcceptedDomain Contoso'],
  parameters: { Identity: { type: 'string', required: true, help: 'Name or GUID of the accepted domain' } },
  positional: ['Identity'],
  table: [],
  changes: true,
  confirm: ({ Identity }) =>
    `Remove the accepted domain "${Identity}"? Mail from outside to it is refused from then on.`,
  async run(context: ServerContext, { Identity }) {
    const organization = organizationOf(context);
    const scope = { noun: ACCEPTED_DOMAIN_NOUN, serverName: context.config.netbiosName };
    const domain = findByIdentity(organization.snapshot().acceptedDomains, Identity, scope);
    await organization.removeAcceptedDomain(domain.name);
    return { records: [], notices: edgeSyncNotices(context) };
  },
});
