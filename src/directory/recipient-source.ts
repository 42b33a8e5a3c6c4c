// Recipients from entries of another directory: `proxyAddresses` as Active Directory has them, else `mail`. What has no mail
// address is no recipient and passed over.

import { getText, getValues, type LdapEntry } from '../ldap/entry.ts';
import { isProblem, Problem } from '../problem.ts';
import { readProxyAddresses } from './proxy-address.ts';
import { makeRecipient } from './recipient.ts';
import type { ImportedRecipient } from './recipient-import.ts';

/** What a search for them asks for. */
export const SOURCE_ATTRIBUTES: readonly string[] = [
  'cn',
  'displayName',
  'mail',
  'proxyAddresses',
  'msExchRequireAuthToSendTo',
];

/** The recipient that an entry is; undefined for one without an address. Throws Problem with the entry's name. */
export function recipientFromEntry(entry: LdapEntry): ImportedRecipient | undefined {
  const listed = readProxyAddresses(getValues(entry, 'proxyAddresses').map((value) => value.toString('utf8')));
  const [firstOther, ...others] = listed.others;
  const mail = getText(entry, 'mail');
  const primaryAddress = listed.primary ?? mail ?? firstOther;
  if (primaryAddress === undefined) return undefined;
  try {
    const recipient = makeRecipient({
      name: primaryAddress,
      displayName: getText(entry, 'displayName') ?? getText(entry, 'cn'),
      primaryAddress,
      otherAddresses: [
        ...(firstOther === undefined ? [] : [firstOther]),
        ...others,
        ...(mail === undefined ? [] : [mail]),
      ],
      requireSenderAuthentication: getText(entry, 'msExchRequireAuthToSendTo') === 'TRUE',
    });
    return { place: entry.dn, recipient };
  } catch (error) {
    if (isProblem(error)) throw new Problem(error.code, `${entry.dn}: ${error.message}`, { cause: error });
    throw error;
  }
}
