// The change feed, with Active Directory's own means: every change takes the next update sequence number (USN), an entry keeps
// that of its making and of its last change, and what was deleted stays for a while as a tombstone. A position says how far a
// reader has come: whose numbers they are (the invocation id of that directory) and which one was the last.

import type { LdapEntry } from '../ldap/entry.ts';
import { Problem } from '../problem.ts';

/** How long deleted entries are kept, as Active Directory did at first. */
export const TOMBSTONE_LIFETIME_MS = 60 * 86_400_000;

/** Where a directory's numbers stand. */
export interface ChangeMark {
  /** Another one in every directory that was ever made: numbers of two of them are not to be compared. */
  readonly invocationId: string;
  readonly highestCommittedUsn: number;
  /** The highest number of a tombstone that is gone; 0 while all are there. */
  readonly purgedUsn: number;
}

export interface DeletedEntry {
  /** The name it had. */
  readonly dn: string;
  readonly guid: string;
}

/** A piece of the feed, oldest change first; an entry appears once, as it is now. */
export interface ChangePage {
  /** From where the next piece goes on, or what to remember when this was the last. */
  readonly position: string;
  /** Where the feed stood when this piece was read: whoever read all pieces from this one on has come at least so far. */
  readonly head: string;
  readonly changed: readonly LdapEntry[];
  readonly deleted: readonly DeletedEntry[];
  readonly isLast: boolean;
}

export interface Position {
  readonly invocationId: string;
  readonly usn: number;
  /** Set between two pieces of a first reading: deletions up to this number were never known to the reader. */
  readonly startedAtUsn?: number | undefined;
}

const POSITION = /^([0-9a-f-]{36}):(\d{1,15})(?::(\d{1,15}))?$/;

export function formatPosition({ invocationId, usn, startedAtUsn }: Position): string {
  return [invocationId, usn, ...(startedAtUsn === undefined ? [] : [startedAtUsn])].join(':');
}

/** Where a reading from `since` begins; from the start when it is absent. Throws Problem `position-unknown`. */
export function startFrom(since: string | undefined, mark: ChangeMark): Position {
  const { invocationId, highestCommittedUsn } = mark;
  if (since === undefined) return { invocationId, usn: 0, startedAtUsn: highestCommittedUsn };
  const match = POSITION.exec(since);
  if (!match) throw unknownPosition('it cannot be read');
  const startedAtUsn = match[3] === undefined ? undefined : Number(match[3]);
  const position = { invocationId: match[1] ?? '', usn: Number(match[2]), startedAtUsn };
  if (position.invocationId !== invocationId) throw unknownPosition('it is of another directory');
  if (position.usn > highestCommittedUsn) throw unknownPosition('it lies in the future: was an older copy restored?');
  if (deletionsFrom(position) < mark.purgedUsn) throw unknownPosition('deleted objects since then are no longer kept');
  return position;
}

/** The number after which deletions matter to a reader at this position. */
export function deletionsFrom({ usn, startedAtUsn }: Position): number {
  return Math.max(usn, startedAtUsn ?? 0);
}

function unknownPosition(reason: string): Problem {
  return new Problem('position-unknown', `the position in the change feed is unknown here, ${reason}: read everything`);
}

/** What the root DSE says of the feed, for readers over LDAP; nothing for a directory that has none. */
export function changeAttributes(mark: ChangeMark | undefined): Record<string, string> {
  if (!mark) return {};
  const { invocationId, highestCommittedUsn, purgedUsn } = mark;
  return { invocationId, highestCommittedUSN: String(highestCommittedUsn), msExchPurgedUSN: String(purgedUsn) };
}
