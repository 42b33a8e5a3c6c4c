// An account that an administrator made for whoever comes over LDAP: a Reader sees everything but secrets, a Hub is another
// hub of the site that joins this AD. It proves itself by a password, of which a verifier is kept, by a certificate, or by
// either. What each kind may do is door-rights.ts. EdgeSync's own accounts are account.ts.

import { Problem } from '../problem.ts';
import { type Certificate, isSameCertificate, parseCertificate } from '../tls/certificate.ts';
import { choiceField, optionalOctets, optionalText, requiredText } from './attribute-field.ts';
import { defineView, type View } from './view.ts';

export const DIRECTORY_ACCOUNT_KINDS = ['Reader', 'Hub'] as const;
export type DirectoryAccountKind = (typeof DIRECTORY_ACCOUNT_KINDS)[number];

export interface DirectoryAccount {
  readonly name: string;
  readonly kind: DirectoryAccountKind;
  /** As password-verifier.ts makes it. */
  readonly passwordVerifier?: string | undefined;
  /** Whoever proves its key is this account (SASL EXTERNAL). */
  readonly certificate?: Certificate | undefined;
}

const certificateForm = { format: (certificate: Certificate) => certificate.der, parse: parseCertificate };

export const directoryAccountView: View<DirectoryAccount> = defineView('directory account', 'msExchDirectoryAccount', {
  name: requiredText('cn'),
  kind: choiceField('msExchDirectoryAccountKind', DIRECTORY_ACCOUNT_KINDS, 'Reader'),
  passwordVerifier: optionalText('userPassword', 'octets'),
  certificate: optionalOctets('msExchDirectoryAccountCertificate', certificateForm),
});

const MAX_NAME = 64;

/** Throws Problem `bad-value` for a name that is none, and `no-credential` for an account that could not prove itself. */
export function validateDirectoryAccount({ name, passwordVerifier, certificate }: DirectoryAccount): void {
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u.test(name) || name.length > MAX_NAME || name !== name.trim()) {
    throw new Problem(
      'bad-value',
      `"${name}" cannot name a directory account: write up to ${MAX_NAME} letters, digits, blanks, dots, hyphens and underscores`,
    );
  }
  if (/^ESRA\./i.test(name)) {
    throw new Problem('bad-value', `"${name}": names that begin with ESRA. are EdgeSync's, choose another`);
  }
  if (passwordVerifier === undefined && certificate === undefined) {
    throw new Problem(
      'no-credential',
      `"${name}" could not prove itself: give -PasswordFile for a password, -CertificateFile for a certificate, or both`,
    );
  }
}

/** Throws Problem `certificate-on-two-accounts`: whoever shows it could not be told apart. */
export function refuseSharedAccountCertificate(account: DirectoryAccount, others: readonly DirectoryAccount[]): void {
  const { certificate } = account;
  const owner =
    certificate && others.find((other) => other.certificate && isSameCertificate(other.certificate, certificate));
  if (!owner) return;
  throw new Problem(
    'certificate-on-two-accounts',
    `the directory account "${owner.name}" has the certificate ${certificate.thumbprint} already: give each its own`,
  );
}
