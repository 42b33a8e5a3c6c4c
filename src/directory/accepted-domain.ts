// Accepted domains: whom the organisation takes mail for, and as what (exchange: Authoritative, InternalRelay,
// ExternalRelay). Pure; recipients and routing are transport's.

import { Problem } from '../problem.ts';
import { choiceField, flagField, requiredText } from './attribute-field.ts';
import { isSubdomain, normalizeDomainName } from './domain-name.ts';
import { defineView, type View } from './view.ts';

export const DOMAIN_TYPES = ['Authoritative', 'InternalRelay', 'ExternalRelay'] as const;
export type DomainType = (typeof DOMAIN_TYPES)[number];

export interface AcceptedDomain {
  /** What an administrator calls it; unique. */
  readonly name: string;
  /** Lower case, A-labels, without the `*.` of `matchSubDomains`. */
  readonly domainName: string;
  /** True: every name under it is accepted too. */
  readonly matchSubDomains: boolean;
  readonly domainType: DomainType;
  /** Exactly one has it, as soon as there is one at all. */
  readonly default: boolean;
}

export const acceptedDomainView: View<AcceptedDomain> = defineView('accepted domain', 'msExchAcceptedDomain', {
  name: requiredText('cn'),
  domainName: requiredText('msExchAcceptedDomainName'),
  matchSubDomains: flagField('msExchAcceptedDomainMatchSubDomains', false),
  domainType: choiceField('msExchAcceptedDomainType', DOMAIN_TYPES, 'Authoritative'),
  default: flagField('msExchAcceptedDomainDefault', false),
});

/** Reads `contoso.com` or `*.contoso.com`; throws Problem `bad-domain`. */
export function parseAcceptedDomainName(text: string): { domainName: string; matchSubDomains: boolean } {
  const matchSubDomains = text.startsWith('*.');
  const domainName = normalizeDomainName(matchSubDomains ? text.slice(2) : text);
  if (domainName === undefined) {
    throw new Problem(
      'bad-domain',
      `"${text}" is not a domain; write contoso.com, or *.contoso.com with its subdomains`,
    );
  }
  return { domainName, matchSubDomains };
}

/** The way back. */
export function formatAcceptedDomainName(domain: Pick<AcceptedDomain, 'domainName' | 'matchSubDomains'>): string {
  return `${domain.matchSubDomains ? '*.' : ''}${domain.domainName}`;
}

/** The entry that speaks for a recipient's domain: the very name, else the nearest parent with its subdomains. */
export function findAcceptedDomain<D extends AcceptedDomain>(
  domains: readonly D[],
  recipientDomain: string,
): D | undefined {
  const name = normalizeDomainName(recipientDomain);
  if (name === undefined) return undefined;
  const exact = domains.find((domain) => domain.domainName === name);
  if (exact) return exact;
  return domains
    .filter((domain) => domain.matchSubDomains && isSubdomain(name, domain.domainName))
    .toSorted((a, b) => b.domainName.length - a.domainName.length)[0];
}

/** Throws Problem `domain-twice` when two entries speak for one name. */
export function validateAcceptedDomains(domains: readonly AcceptedDomain[]): void {
  const seen = new Map<string, string>();
  for (const { domainName, name } of domains) {
    const other = seen.get(domainName);
    if (other !== undefined) {
      throw new Problem(
        'domain-twice',
        `${domainName} is already the accepted domain "${other}"; change that one instead of adding "${name}"`,
      );
    }
    seen.set(domainName, name);
  }
}

/**
 * The same list with exactly one default: `preferred` when it asks for it, else the one that had it, else the first.
 * Throws Problem `default-domain` when the default of several would go without another in its place.
 */
export function settleDefaultDomain(
  domains: readonly AcceptedDomain[],
  change: { preferred?: AcceptedDomain; removed?: AcceptedDomain },
): AcceptedDomain[] {
  const { preferred, removed } = change;
  if (removed?.default === true && domains.length > 0) {
    throw new Problem(
      'default-domain',
      `"${removed.name}" is the default accepted domain; make another one the default first`,
    );
  }
  const chosen =
    (preferred?.default === true ? preferred.name : undefined) ??
    domains.find((domain) => domain.default)?.name ??
    domains[0]?.name;
  return domains.map((domain) => ({ ...domain, default: domain.name === chosen }));
}
