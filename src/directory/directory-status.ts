// How a server stands to its directory, for Get-DirectoryStatus and for whoever shows a state that may be stale.

import type { ReplicaPosition } from './replica-position.ts';

/** A value of the moment. */
export interface DirectoryStatus {
  /** `embedded` or `ldap`. */
  readonly backend: string;
  /** Address of the LDAP server that was used last; undefined for the embedded directory. */
  readonly server: string | undefined;
  /** Addresses of all that hold it, the preferred one first. */
  readonly servers: readonly string[];
  readonly namingContext: string;
  /** When the directory was last read without a fault; undefined when this process has not read it yet. */
  readonly lastReadAt: Date | undefined;
  /** How far the copy that is read has come; absent where it does not say so. */
  readonly position?: ReplicaPosition | undefined;
  /** While only the last good state is known: since when, and why. */
  readonly stale: { readonly since: Date; readonly reason: string } | undefined;
}
