// Set-AcceptedDomain: its name, its type, and which one is the default. The domain itself stays: make another instead.

import { type AcceptedDomain, DOMAIN_TYPES } from '../directory/accepted-domain.ts';
import { ACCEPTED_DOMAIN_NOUN, DOMAIN_TYPE_HELP } from './accepted-domain-record.ts';
import { defineCmdlet } from './cmdlet.ts';
import { edgeSyncNotices } from './edge-sync-notice.ts';
import { changesOf, unchangedWarnings } from './given-changes.ts';
import { findByIdentity } from './object-identity.ts';
import { organizationOf } from './roles.ts';
import type { ServerContext } from './server-context.ts';

export const setAcceptedDomain = defineCmdlet({
  name: 'Set-AcceptedDomain',
  roles: ['hub', 'edge'],
  synopsis: 'Change an accepted domain',
  examples: ['Set-AcceptedDomain Contoso -MakeDefault true', 'Set-AcceptedDomain Fabrikam -DomainType InternalRelay'],
  parameters: {
    Identity: { type: 'string', required: true, help: 'Name or GUID of the accepted domain' },
    Name: { type: 'string', help: 'Its new name' },
    DomainType: { type: 'enum', choices: DOMAIN_TYPES, help: DOMAIN_TYPE_HELP },
    MakeDefault: { type: 'boolean', help: 'Make it the default, which postmaster and DSNs use' },
  },
  positional: ['Identity'],
  table: [],
  changes: true,
  async run(context: ServerContext, { Identity, Name, DomainType, MakeDefault }) {
    const organization = organizationOf(context);
    const scope = { noun: ACCEPTED_DOMAIN_NOUN, serverName: context.config.netbiosName };
    const before = findByIdentity(organization.snapshot().acceptedDomains, Identity, scope);
    const changes = changesOf<AcceptedDomain>({ name: Name, domainType: DomainType, default: MakeDefault });
    await organization.replaceAcceptedDomain(before.name, (current) => ({ ...current, ...changes }));
    return {
      records: [],
      notices: Object.keys(changes).length > 0 ? edgeSyncNotices(context) : [],
      warnings: unchangedWarnings(before.name, changes),
    };
  },
});
