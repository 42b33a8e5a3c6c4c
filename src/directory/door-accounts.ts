// Which of the accounts at a directory's door somebody is: by name, by certificate, or by the authorization identity asked
// for (RFC 4513 §5.2.1.8). Pure. Accounts that administrators made are turned into the door's here, for ADAM and AD alike.

import { normalizeDn } from '../ldap/dn.ts';
import { isProblem } from '../problem.ts';
import { type Certificate, isSameCertificate } from '../tls/certificate.ts';
import type { DirectoryAccount } from './directory-account.ts';
import type { DoorAccount } from './door.ts';
import { DIRECTORY_ACCOUNT_RIGHTS } from './door-rights.ts';
import type { Recorded } from './view.ts';

/** By its DN, or by its own part of it (`CN=ESRA.EDGE01`). Throws Problem `bad-dn`. */
export function findByName(accounts: readonly DoorAccount[], name: string): DoorAccount | undefined {
  const key = normalizeDn(name);
  return accounts.find(({ dn }) => {
    const accountKey = normalizeDn(dn);
    return accountKey === key || accountKey.split(',')[0] === key;
  });
}

export function findByCertificate(accounts: readonly DoorAccount[], shown: Certificate): DoorAccount | undefined {
  return accounts.find(({ certificate }) => certificate !== undefined && isSameCertificate(certificate, shown));
}

/** True when `authzId`, `dn:…` or `u:…`, is this account. */
export function isNamedBy(account: DoorAccount, authzId: string): boolean {
  if (authzId.startsWith('u:')) return authzId.slice(2).toLowerCase() === account.name.toLowerCase();
  if (!authzId.startsWith('dn:')) return false;
  try {
    return normalizeDn(authzId.slice(3)) === normalizeDn(account.dn);
  } catch (error) {
    if (isProblem(error)) return false;
    throw error;
  }
}

export function toDoorAccount(account: Recorded<DirectoryAccount>): DoorAccount {
  const { name, record, passwordVerifier, certificate, kind } = account;
  return { name, dn: record.dn, passwordVerifier, certificate, rights: DIRECTORY_ACCOUNT_RIGHTS[kind] };
}
