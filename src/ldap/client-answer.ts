// Turns the result that a server gave into a fault, for all files of the client.

import type { LdapAnswer } from './client-connection.ts';
import { isNonError, LdapFault, nameResult } from './result.ts';

/** Throws LdapFault unless the result is one of the good ones; `failedOperation` is the place in a list, if there is one. */
export function refuseFaults({ result }: LdapAnswer, failedOperation?: number): void {
  if (isNonError(result.resultCode)) return;
  const name = nameResult(result.resultCode);
  const sentence = result.diagnosticMessage === '' ? name : `${name}: ${result.diagnosticMessage}`;
  throw new LdapFault(result.resultCode, `the LDAP server refused with ${sentence}`, {
    matchedDn: result.matchedDn,
    referrals: result.referrals,
    failedOperation,
  });
}
