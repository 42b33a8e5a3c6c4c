// What has to be done to make entries what they should be: operations from the difference, pure. Attributes that the
// directory keeps itself are left alone, and the order of values does not count (a server may return them in any).

import { normalizeDn, parseDn } from '../ldap/dn.ts';
import { type Change, getValues, type LdapEntry, type LdapOperation } from '../ldap/entry.ts';
import { isOperational } from './schema.ts';

export interface DiffOptions {
  /** Attributes that are compared nowhere and never written. */
  readonly ignore?: readonly string[];
}

/** The modification that makes `current` what `wanted` is; undefined when it is so already. Names are not compared. */
export function diffEntry(current: LdapEntry, wanted: LdapEntry, options: DiffOptions = {}): LdapOperation | undefined {
  const ignored = new Set(['cn', 'objectclass', ...(options.ignore ?? []).map((name) => name.toLowerCase())]);
  const names = new Map(
    [...current.attributes.keys(), ...wanted.attributes.keys()].map((name) => [name.toLowerCase(), name]),
  );
  const changes: Change[] = [];
  for (const [key, attribute] of names) {
    if (ignored.has(key) || isOperational(attribute)) continue;
    const values = getValues(wanted, attribute);
    if (!haveSameValues(getValues(current, attribute), values))
      changes.push({ operation: 'replace', attribute, values });
  }
  return changes.length === 0 ? undefined : { kind: 'modify', dn: current.dn, changes };
}

/** The operations that make the set `current` into the set `wanted`: deletes from the leaves, adds from the root, then changes. */
export function diffEntries(
  current: readonly LdapEntry[],
  wanted: readonly LdapEntry[],
  options: DiffOptions = {},
): LdapOperation[] {
  const there = new Map(current.map((entry) => [normalizeDn(entry.dn), entry]));
  const wantedKeys = new Set(wanted.map((entry) => normalizeDn(entry.dn)));
  const deletes = current.filter((entry) => !wantedKeys.has(normalizeDn(entry.dn)));
  const adds = wanted.filter((entry) => !there.has(normalizeDn(entry.dn)));
  const modifies = wanted.map((entry) => {
    const found = there.get(normalizeDn(entry.dn));
    return found && diffEntry(found, entry, options);
  });
  return [
    ...deletes.toSorted((a, b) => depthOf(b) - depthOf(a)).map(({ dn }): LdapOperation => ({ kind: 'delete', dn })),
    ...adds.toSorted((a, b) => depthOf(a) - depthOf(b)).map(toAdd),
    ...modifies.filter((operation) => operation !== undefined),
  ];
}

/** The operation that makes an entry. */
export function toAdd({ dn, attributes }: LdapEntry): LdapOperation {
  return { kind: 'add', dn, attributes };
}

function depthOf({ dn }: LdapEntry): number {
  return parseDn(dn).length;
}

function haveSameValues(a: readonly Buffer[], b: readonly Buffer[]): boolean {
  if (a.length !== b.length) return false;
  const [left, right] = [a, b].map((values) => values.map((value) => value.toString('latin1')).toSorted());
  return left?.every((value, index) => value === right?.[index]) ?? false;
}
