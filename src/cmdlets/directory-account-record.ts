// A directory account as records show it, and what its three cmdlets share.

import type { DirectoryAccount } from '../directory/directory-account.ts';
import type { Recorded } from '../directory/view.ts';
import { describeObject } from './object-identity.ts';
import type { OutputRecord } from './output.ts';

export const DIRECTORY_ACCOUNT_NOUN = 'directory account';

export const DIRECTORY_ACCOUNT_TABLE = ['Name', 'Kind', 'HasPassword', 'CertificateThumbprint'] as const;

/**
 * Whether it has a password is shown, the password and its verifier never. A hub that joined AD reads no verifier: what has no
 * certificate has a password.
 */
export function describeDirectoryAccount(account: Recorded<DirectoryAccount>): OutputRecord {
  const { name, kind, passwordVerifier, certificate } = account;
  return {
    Name: name,
    Kind: kind,
    HasPassword: passwordVerifier !== undefined || certificate === undefined,
    CertificateThumbprint: certificate?.thumbprint,
    CertificateNotAfter: certificate?.notAfter,
    ...describeObject(account, name),
  };
}
