// How an object of the directory is named on the command line (its name, SERVER\name or its GUID, in any letter case), and the
// properties at the end of every `fl` list that say which object it is (exchange: the common tail of directory objects).

import type { ObjectRecord } from '../directory/view.ts';
import { Problem } from '../problem.ts';
import type { OutputRecord } from './output.ts';

interface Identified {
  readonly name: string;
  /** Its own GUID where it has one that outlives a renewal in the other directory; else the record's. */
  readonly guid?: string;
  readonly record: ObjectRecord;
}

interface IdentityScope {
  /** For the sentence: "Send connector". */
  readonly noun: string;
  /** The server that `SERVER\` may name. */
  readonly serverName: string;
}

/** The object that `identity` names; throws Problem `not-found`. */
export function findByIdentity<T extends Identified>(objects: readonly T[], identity: string, scope: IdentityScope): T {
  const wanted = identity.toLowerCase();
  const prefix = `${scope.serverName.toLowerCase()}\\`;
  const names = [wanted, ...(wanted.startsWith(prefix) ? [wanted.slice(prefix.length)] : [])];
  const found =
    objects.find(({ name }) => names.includes(name.toLowerCase())) ??
    objects.find((object) => guidOf(object).toLowerCase() === wanted.replace(/^\{(.*)\}$/, '$1'));
  if (found) return found;
  throw new Problem('not-found', `there is no ${scope.noun} "${identity}" on ${scope.serverName}`);
}

/** All of them, or the one that `identity` names; throws Problem `not-found`. */
export function chooseByIdentity<T extends Identified>(
  objects: readonly T[],
  identity: string | undefined,
  scope: IdentityScope,
): readonly T[] {
  return identity === undefined ? objects : [findByIdentity(objects, identity, scope)];
}

/** The last properties of a `fl` list. */
export function describeObject(object: Identified, identity: string): OutputRecord {
  const { dn, objectClasses, changedAt, createdAt } = object.record;
  return {
    Name: object.name,
    DistinguishedName: dn,
    Identity: identity,
    Guid: guidOf(object),
    ObjectClass: objectClasses,
    WhenChanged: changedAt,
    WhenCreated: createdAt,
  };
}

function guidOf({ guid, record }: Identified): string {
  return guid ?? record.guid;
}
