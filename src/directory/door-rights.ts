// What the accounts that administrators make may do, and how what an account may not see is kept from it: in entries, in
// filters and in compares alike. What EdgeSync's accounts may write is adam-access.ts. Pure.

import type { LdapEntry } from '../ldap/entry.ts';
import type { Filter, MatchingRules } from '../ldap/filter.ts';
import type { DirectoryAccountKind } from './directory-account.ts';
import type { Rights } from './door.ts';
import { findAttributeType } from './schema.ts';
import { schemaRules } from './schema-rules.ts';

/** Nobody reads a password verifier. */
export const PASSWORDS: ReadonlySet<string> = new Set(['userPassword']);

/** Nor does one who only reads see what servers prove themselves with, sealed or as a verifier, or what mail users do. */
const SECRETS: ReadonlySet<string> = new Set([
  ...PASSWORDS,
  'msExchEdgeSyncCredential',
  'msExchSmtpSendAuthCredential',
  'msExchRecipientPasswordVerifier',
]);

export const DIRECTORY_ACCOUNT_RIGHTS: Readonly<Record<DirectoryAccountKind, Rights>> = {
  Reader: { hidden: SECRETS, isReadOnly: true, findForbidden: (operations) => (operations.length > 0 ? 0 : undefined) },
  Hub: { hidden: PASSWORDS, findForbidden: () => undefined },
};

/** The entry without what is hidden. */
export function hideAttributes(entry: LdapEntry, hidden: Rights['hidden']): LdapEntry {
  const attributes = new Map([...entry.attributes].filter(([name]) => !isHidden(name, hidden)));
  return { dn: entry.dn, attributes };
}

/** `attribute` as anybody may write it, options included. */
export function isHidden(attribute: string, hidden: Rights['hidden']): boolean {
  const [bare = attribute] = attribute.split(';');
  return hidden.has(findAttributeType(bare)?.name ?? bare);
}

/** True when the filter asks about a hidden attribute anywhere. */
export function asksForHidden(filter: Filter, hidden: Rights['hidden']): boolean {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.some((part) => asksForHidden(part, hidden));
    case 'not':
      return asksForHidden(filter.filter, hidden);
    default:
      return filter.attribute !== undefined && isHidden(filter.attribute, hidden);
  }
}

/** The schema's rules, to which what is hidden is not known: no filter learns anything of it. */
export function rulesWithout(hidden: Rights['hidden']): MatchingRules {
  return {
    ...schemaRules,
    knows: (attribute) => schemaRules.knows(attribute) && !isHidden(attribute, hidden),
    rule: (name) => {
      const found = schemaRules.rule?.(name);
      return (
        found && { ...found, appliesTo: (attribute) => found.appliesTo(attribute) && !isHidden(attribute, hidden) }
      );
    },
  };
}
