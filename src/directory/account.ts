// An account in ADAM: the bootstrap account of a subscription file (`ESRA.EDGE01`) or a replication account that EdgeSync
// made for a hub (`ESRA.EDGE01.HUB01.0`). It keeps a verifier, never a password. What an account may write is the same for
// all of them and stands in adam-access.ts: an account that carried its own rights could widen those of its successor.

import { choiceField, flagField, requiredText, requiredTime } from './attribute-field.ts';
import { defineView, type View } from './view.ts';

const ACCOUNT_KINDS = ['bootstrap', 'replication'] as const;
type AccountKind = (typeof ACCOUNT_KINDS)[number];

export interface Account {
  readonly name: string;
  readonly kind: AccountKind;
  /** As password-verifier.ts makes it. */
  readonly passwordVerifier: string;
  readonly effective: Date;
  /** No longer part of the window. */
  readonly expiration: Date;
  /** True once the Edge was exported again: it still works, but ends no bootstrap account that came after it. */
  readonly superseded: boolean;
}

export const accountView: View<Account> = defineView('account', 'msExchEdgeSyncAccount', {
  name: requiredText('cn'),
  kind: choiceField('msExchEdgeSyncAccountKind', ACCOUNT_KINDS, 'replication'),
  passwordVerifier: requiredText('userPassword', 'octets'),
  effective: requiredTime('msExchEdgeSyncAccountEffective'),
  expiration: requiredTime('msExchEdgeSyncAccountExpiration'),
  superseded: flagField('msExchEdgeSyncAccountSuperseded', false),
});

/** `ESRA.EDGE01`. */
export function bootstrapAccountName(edgeName: string): string {
  return `ESRA.${edgeName}`;
}

/** `ESRA.EDGE01.HUB01.0`; the number rises with each new one. */
export function replicationAccountName(edgeName: string, hubName: string, number: number): string {
  return `ESRA.${edgeName}.${hubName}.${number}`;
}
