// How far a copy of a directory has come, and how two copies stand to each other: pure. slapd says it by its contextCSN, one
// for each server that takes changes (syncrepl, draft-ietf-ldup-csn), Active Directory's kind by the number of its last change.

import { getText, getValues, type LdapEntry } from '../ldap/entry.ts';
import type { ChangeMark } from './change-feed.ts';

/** By the server at which changes were made, the last of its changes that is here; two of one server compare as texts. */
export type ReplicaPosition = ReadonlyMap<string, string>;

/** What the root DSE has to be asked for. */
export const ROOT_ATTRIBUTES = ['namingContexts', 'highestCommittedUSN', 'invocationId'];
/** What the entry at the top of the naming context has to be asked for. */
export const TOP_ATTRIBUTES = ['contextCSN'];

/** Of a server that keeps update sequence numbers; undefined for others. */
export function positionByUsn(rootDse: LdapEntry): ReplicaPosition | undefined {
  const usn = getText(rootDse, 'highestCommittedUSN');
  return usn === undefined ? undefined : usnPosition(getText(rootDse, 'invocationId') ?? '', usn);
}

/** The same of one's own numbers. */
function usnPosition(invocationId: string, usn: string): ReplicaPosition {
  return new Map([[invocationId, usn.padStart(20, '0')]]);
}

/** Of a directory that numbers its changes itself, or reads a copy that says how far it has come. */
export function positionOf(directory: {
  readonly changeMark?: ChangeMark;
  readonly position?: ReplicaPosition | undefined;
}): ReplicaPosition | undefined {
  const { changeMark, position } = directory;
  return changeMark ? usnPosition(changeMark.invocationId, String(changeMark.highestCommittedUsn)) : position;
}

/** Of a slapd; empty while it has no whole copy, and where neither syncprov nor syncrepl is at work. */
export function positionByCsn(top: LdapEntry | undefined): ReplicaPosition {
  const values = top ? getValues(top, 'contextCSN').map((value) => value.toString('utf8')) : [];
  // 20261126113359.237326Z#000000#001#000000: when, how many at that time, the server, how many in that change.
  return new Map(values.map((csn) => [csn.split('#')[2] ?? '', csn]));
}

/**
 * How a copy stands to what was seen of the directory before. `behind`: changes that were seen are not in it yet.
 * `apart`: nothing that was seen is in it, so that it is an empty copy, one that is being made, or another directory.
 */
export function compareToSeen(position: ReplicaPosition, seen: ReplicaPosition): 'current' | 'behind' | 'apart' {
  if (seen.size === 0) return 'current';
  if (![...seen.keys()].some((server) => position.has(server))) return 'apart';
  const isCurrent = [...seen].every(([server, change]) => (position.get(server) ?? '') >= change);
  return isCurrent ? 'current' : 'behind';
}

/** The later change of each server. */
export function mergePositions(one: ReplicaPosition, other: ReplicaPosition): ReplicaPosition {
  const merged = new Map(one);
  for (const [server, change] of other) if ((merged.get(server) ?? '') < change) merged.set(server, change);
  return merged;
}

/** One line; the same for equal positions. */
export function formatPosition(position: ReplicaPosition): string {
  return [...position]
    .map(([server, change]) => `${server}=${change}`)
    .toSorted()
    .join(' ');
}

/** What `formatPosition` was given. */
export function parsePosition(text: string): ReplicaPosition {
  const parts = text.split(' ').flatMap((part): [string, string][] => {
    const at = part.indexOf('=');
    return at === -1 ? [] : [[part.slice(0, at), part.slice(at + 1)]];
  });
  return new Map(parts);
}
