// The root DSE (RFC 4512 §5.1): what any client may ask before it is known. The directory names its naming contexts; what the
// wire can do is added here, so that no handler has to repeat it.

import { Oid } from './control.ts';
import { getValues, type LdapEntry, toAttributes } from './entry.ts';
import type { LdapConnection } from './handler.ts';

/** The handler's root DSE with the server's own abilities; what the handler says itself stands. */
export function completeRootDse(entry: LdapEntry, connection: LdapConnection): LdapEntry {
  const own = toAttributes({
    objectClass: 'top',
    supportedLDAPVersion: '3',
    supportedControl: [Oid.transactionSpecification, Oid.pagedResults],
    supportedExtension: [Oid.whoAmI, Oid.startTransaction, Oid.endTransaction],
    supportedFeatures: [Oid.modifyIncrement, Oid.allOperationalAttributes, Oid.trueFalseFilters],
    // Without a certificate there is nothing that EXTERNAL could go by.
    supportedSASLMechanisms: connection.tls?.peerCertificate ? 'EXTERNAL' : [],
  });
  const attributes = new Map(entry.attributes);
  for (const [name, values] of own) {
    if (values.length > 0 && getValues(entry, name).length === 0) attributes.set(name, values);
  }
  return { dn: '', attributes };
}
