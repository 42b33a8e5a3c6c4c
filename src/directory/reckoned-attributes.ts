// Operational attributes that are not stored but reckoned when an entry is shown: its own name (RFC 5020), whether anything is
// under it (X.501), and where its schema is (RFC 4512 §4.2).

import type { LdapEntry } from '../ldap/entry.ts';
import { SUBSCHEMA_DN } from './subschema.ts';

export function reckonAttributes(entry: LdapEntry, hasSubordinates: boolean): LdapEntry {
  const attributes = new Map(entry.attributes);
  attributes.set('entryDN', [Buffer.from(entry.dn)]);
  attributes.set('hasSubordinates', [Buffer.from(hasSubordinates ? 'TRUE' : 'FALSE')]);
  attributes.set('subschemaSubentry', [Buffer.from(SUBSCHEMA_DN)]);
  return { dn: entry.dn, attributes };
}
