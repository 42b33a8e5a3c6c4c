// Whose program an LDAP server is, by the vendorName of its root DSE (RFC 3045 §3.1). What another's server needs that our own
// does not is asked by this and by nothing else.

import { getText, type LdapEntry } from './entry.ts';

/** What our own server calls itself. */
export const VENDOR_NAME = 'relaypair';

/** The search whose answer says it. */
export const VENDOR_SEARCH = { base: '', scope: 'base', attributes: ['vendorName'] } as const;

/** Whether the answer to `VENDOR_SEARCH` is that of our own server. */
export function isOwnServer(answer: readonly LdapEntry[]): boolean {
  return answer.some((root) => getText(root, 'vendorName') === VENDOR_NAME);
}
