// OpenLDAP's command line tools at one of our LDAPS doors, as an administrator uses them: who somebody is, and how TLS is set
// up, by the environment alone. A user's own ldaprc changes nothing.

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import type { Ran } from './pair.ts';
import { runProgram } from './program.ts';

export type LdapIdentity =
  | { readonly kind: 'nobody' }
  /** `passwordFile` is what New-DirectoryAccount wrote, to be used as it is (-y). */
  | { readonly kind: 'password'; readonly name: string; readonly passwordFile: string }
  | { readonly kind: 'certificate'; readonly files: CertificateFiles };

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export const NOBODY: LdapIdentity = { kind: 'nobody' };

/** Writes a pair where the tools can read it. */
export function writeCertificateFiles(folder: string, name: string, pair: KeyPair): CertificateFiles {
  const files = { certificate: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  writeFileSync(files.certificate, pair.certificate.pem);
  writeFileSync(files.key, pair.privateKeyPem, { mode: 0o600 });
  chmodSync(files.key, 0o600);
  return files;
}

export type LdapTool = (who: LdapIdentity, parameters: readonly string[], input?: string) => Promise<Ran>;

/** The tools at `port`, each by its name: `tools('ldapsearch')(who, ['-b', …])`. */
export function toolsAt(port: number): (tool: string) => LdapTool {
  return (tool) => (who, parameters, input) =>
    runProgram(tool, ['-H', `ldaps://127.0.0.1:${port}`, ...credentialsOf(who), ...parameters], {
      env: { LDAPCONF: '/dev/null', LDAPTLS_REQCERT: 'never', ...certificateOf(who) },
      ...(input === undefined ? {} : { input }),
    });
}

function credentialsOf(who: LdapIdentity): string[] {
  if (who.kind === 'certificate') return ['-Q', '-Y', 'EXTERNAL'];
  return who.kind === 'password' ? ['-x', '-D', who.name, '-y', who.passwordFile] : ['-x'];
}

function certificateOf(who: LdapIdentity): Record<string, string> {
  if (who.kind !== 'certificate') return {};
  return { LDAPTLS_CERT: who.files.certificate, LDAPTLS_KEY: who.files.key };
}

/** LDIF from lines; a blank one ends a record. */
export function ldif(...lines: readonly string[]): string {
  return `${lines.join('\n')}\n`;
}
