// Several servers may write one directory. A change that was planned on what was read a moment ago must not undo what
// another server has written since: so a replaced attribute becomes "take away the values that were there, add the new ones"
// (compare and swap: the directory refuses when they are no longer there), and a list gets only its difference. Pure.

import { normalizeDn } from '../ldap/dn.ts';
import { type Change, getValues, type LdapEntry, type LdapOperation } from '../ldap/entry.ts';

/** The operations with every `replace` on an entry that was read made conditional on what was read. */
export function guardChanges(operations: readonly LdapOperation[], read: readonly LdapEntry[]): LdapOperation[] {
  const entries = new Map(read.map((entry) => [normalizeDn(entry.dn), entry]));
  return operations.flatMap((operation): LdapOperation[] => {
    if (operation.kind !== 'modify') return [operation];
    const entry = entries.get(normalizeDn(operation.dn));
    if (!entry) return [operation];
    const changes = operation.changes.flatMap((change) => guard(change, getValues(entry, change.attribute)));
    return changes.length === 0 ? [] : [{ ...operation, changes }];
  });
}

function guard(change: Change, current: readonly Buffer[]): Change[] {
  const { attribute } = change;
  if (change.operation !== 'replace') return [change];
  const gone = without(current, change.values);
  const added = without(change.values, current);
  return [
    ...(gone.length === 0 ? [] : [{ operation: 'delete', attribute, values: gone } as const]),
    ...(added.length === 0 ? [] : [{ operation: 'add', attribute, values: added } as const]),
  ];
}

/** To the octet: a value in another spelling is another value here, and goes before the new one comes. */
function without(values: readonly Buffer[], others: readonly Buffer[]): Buffer[] {
  return values.filter((value) => !others.some((other) => other.equals(value)));
}
