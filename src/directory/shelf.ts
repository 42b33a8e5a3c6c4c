// A shelf: the container in which objects of one kind stand, and the operations that add, change, rename and remove one.
// Pure: the caller hands in what stands there now and applies what comes back.

import { formatRdn, parseDn } from '../ldap/dn.ts';
import type { LdapOperation } from '../ldap/entry.ts';
import { Problem } from '../problem.ts';
import { diffEntry, toAdd } from './entry-diff.ts';
import type { Recorded, View } from './view.ts';

export interface Shelf<T> {
  readonly view: View<T>;
  /** DN of the container. */
  readonly parent: string;
  readonly objects: readonly Recorded<T>[];
}

/** The object of that name in any letter case; throws Problem `not-found`. */
export function requireObject<T>(shelf: Shelf<T>, name: string): Recorded<T> {
  const found = findObject(shelf, name);
  if (found) return found;
  throw new Problem('not-found', `there is no ${shelf.view.noun} "${name}"`);
}

/** Throws Problem `already-exists`. */
export function planAdd<T>(shelf: Shelf<T>, value: T): LdapOperation[] {
  const name = shelf.view.nameOf(value);
  if (findObject(shelf, name)) throw new Problem('already-exists', `the ${shelf.view.noun} "${name}" is there already`);
  return [toAdd(shelf.view.toEntry(value, shelf.parent))];
}

/** Makes the object `name` into `next`, whose name may be another. Throws Problem `not-found` or `already-exists`. */
export function planReplace<T>(shelf: Shelf<T>, name: string, next: T): LdapOperation[] {
  const { view, parent } = shelf;
  const current = requireObject(shelf, name);
  const newName = view.nameOf(next);
  const wanted = view.toEntry(next, parent);
  const change = diffEntry({ ...view.toEntry(current, parent), dn: wanted.dn }, wanted);
  const changes = change ? [change] : [];
  if (newName === view.nameOf(current)) return changes;
  const other = findObject(shelf, newName);
  if (other && other.record.dn !== current.record.dn) {
    throw new Problem('already-exists', `the ${view.noun} "${newName}" is there already`);
  }
  const newRdn = formatRdn(parseDn(wanted.dn)[0] ?? []);
  return [{ kind: 'rename', dn: current.record.dn, newRdn, deleteOldRdn: true }, ...changes];
}

/** Throws Problem `not-found`. */
export function planRemove<T>(shelf: Shelf<T>, name: string): LdapOperation[] {
  return [{ kind: 'delete', dn: requireObject(shelf, name).record.dn }];
}

function findObject<T>({ view, objects }: Shelf<T>, name: string): Recorded<T> | undefined {
  return objects.find((object) => view.nameOf(object).toLowerCase() === name.toLowerCase());
}
