// The kind: what a directory says to its LDAP door (directory-door.ts) about who comes in and who may do what. ADAM's is
// adam-door.ts, AD's is ad-door.ts.

import type { LdapOperations } from '../ldap/entry.ts';
import type { Certificate } from '../tls/certificate.ts';

/** What somebody who has come in may see and change. */
export interface Rights {
  /** Attributes, in the schema's spelling, that are not shown, not searched and not compared. */
  readonly hidden: ReadonlySet<string>;
  /** True: there is none that is allowed. */
  readonly isReadOnly?: boolean;
  /** Place of the first operation that is not allowed; undefined when all of them are. */
  findForbidden(operations: LdapOperations): Promise<number | undefined> | number | undefined;
}

export interface DoorAccount {
  readonly name: string;
  readonly dn: string;
  /** As password-verifier.ts makes it; undefined: it has no password. */
  readonly passwordVerifier: string | undefined;
  /** For SASL EXTERNAL; undefined: no certificate is its own. */
  readonly certificate: Certificate | undefined;
  readonly rights: Rights;
}

export interface Door {
  /** For the log: "ADAM". */
  readonly name: string;
  /** Who may come in now. Asked again for every request, so that a connection ends being somebody when its account does. */
  accounts(): readonly DoorAccount[];
  /** An account has come in. */
  welcome(account: DoorAccount, remoteAddress: string): Promise<void>;
  /** Writes what its rights allow, in its name; all or nothing. Throws LdapFault. */
  write(operations: LdapOperations, author: string): Promise<void>;
}
