// New-AcceptedDomain: mail to one more domain is taken. The first one is the default.

import { DOMAIN_TYPES, parseAcceptedDomainName } from '../directory/accepted-domain.ts';
import {
  ACCEPTED_DOMAIN_NOUN,
  ACCEPTED_DOMAIN_TABLE,
  describeAcceptedDomain,
  DOMAIN_TYPE_HELP,
} from './accepted-domain-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import { findByIdentity } from './object-identity.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const newAcceptedDomain = defineCmdlet({
  name: 'New-AcceptedDomain',
  roles: ['hub', 'edge'],
  synopsis: 'Take mail for another domain',
  description: 'On a subscribed Edge it is refused, since EdgeSync brings the accepted domains.',
  examples: ['New-AcceptedDomain -Name Contoso -DomainName contoso.com'],
  parameters: {
    Name: { type: 'string', required: true, help: 'What to call it' },
    DomainName: { type: 'string', required: true, help: 'contoso.com, or *.contoso.com with its subdomains' },
    DomainType: { type: 'enum', choices: DOMAIN_TYPES, default: 'Authoritative', help: DOMAIN_TYPE_HELP },
  },
  positional: ['Name'],
  table: ACCEPTED_DOMAIN_TABLE,
  changes: true,
  async run(context: ServerContext, { Name, DomainName, DomainType }) {
    const organization = organizationOf(context);
    const domain = { ...parseAcceptedDomainName(DomainName), name: Name, domainType: DomainType, default: false };
    await organization.addAcceptedDomain(domain);
    const scope = { noun: ACCEPTED_DOMAIN_NOUN, serverName: context.config.netbiosName };
    const made = findByIdentity(organization.snapshot().acceptedDomains, Name, scope);
    return { records: [describeAcceptedDomain(made)], notices: edgeSyncNotices(context) };
  },
});
