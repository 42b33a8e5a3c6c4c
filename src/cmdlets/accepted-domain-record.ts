// An accepted domain as records show it: Exchange 2007's properties in the order of `fl`.

import { type AcceptedDomain, formatAcceptedDomainName } from '../directory/accepted-domain.ts';
import type { Recorded } from '../directory/view.ts';
import { describeObject } from './object-identity.ts';
import type { OutputRecord } from './output.ts';

export const ACCEPTED_DOMAIN_TABLE = ['Name', 'DomainName', 'DomainType', 'Default'] as const;
export const ACCEPTED_DOMAIN_NOUN = 'accepted domain';

export const DOMAIN_TYPE_HELP =
  'Authoritative: ours alone; InternalRelay: ours, shared with another system inside; ExternalRelay: taken and sent on outside';

export function describeAcceptedDomain(domain: Recorded<AcceptedDomain>): OutputRecord {
  return {
    DomainName: formatAcceptedDomainName(domain),
    DomainType: domain.domainType,
    Default: domain.default,
    ...describeObject(domain, domain.name),
  };
}
