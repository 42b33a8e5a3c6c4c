// The change feed of a directory on a server that keeps update sequence numbers: the root DSE says where they stand, and two
// searches by ranges of uSNChanged bring what was changed and what is left of what was deleted.

import { isWithinDn } from '../ldap/dn.ts';
import { getText, type LdapEntry } from '../ldap/entry.ts';
import { type ChangeMark, type ChangePage, deletionsFrom, formatPosition, startFrom } from './change-feed.ts';
import type { Directory } from './directory.ts';
import { layoutOf } from './layout.ts';
import { orNone } from './organization.ts';
import { readTombstone } from './tombstone.ts';

type Reader = Pick<Directory, 'search' | 'namingContext'>;

const MARK_ATTRIBUTES = ['invocationId', 'highestCommittedUSN', 'msExchPurgedUSN'];

/** Where the server's numbers stand; undefined when it keeps none. */
async function readChangeMark(directory: Pick<Directory, 'search'>): Promise<ChangeMark | undefined> {
  const [root] = await directory.search({ base: '', scope: 'base', attributes: MARK_ATTRIBUTES });
  const invocationId = root && getText(root, 'invocationId');
  const highestCommittedUsn = Number((root && getText(root, 'highestCommittedUSN')) ?? Number.NaN);
  if (!root || invocationId === undefined || !Number.isSafeInteger(highestCommittedUsn)) return undefined;
  return { invocationId, highestCommittedUsn, purgedUsn: Number(getText(root, 'msExchPurgedUSN') ?? 0) };
}

/** As `Directory.readChanges`. Each number is of one entry, so that a range of them is a bound on what comes. */
export async function readChangesByLdap(
  directory: Reader,
  { base, since, limit }: { base: string; since: string | undefined; limit: number | undefined },
): Promise<ChangePage | undefined> {
  const mark = await readChangeMark(directory);
  if (!mark) return undefined;
  const start = startFrom(since, mark);
  const last = mark.highestCommittedUsn;
  const to = limit === undefined ? last : Math.min(last, start.usn + limit);
  const range = `(uSNChanged>=${start.usn + 1})(uSNChanged<=${to})`;
  const changed = await orNone(directory.search({ base, scope: 'sub', filter: `(&${range})`, attributes: ['*', '+'] }));
  const tombstones = directory.search({
    base: layoutOf(directory.namingContext).deletedObjects,
    scope: 'one',
    filter: `(&(isDeleted=TRUE)${range})`,
    attributes: ['*', '+'],
  });
  const deletedFrom = deletionsFrom(start);
  const deleted = (await orNone(tombstones))
    .filter((entry) => usnOf(entry) > deletedFrom)
    .toSorted(byUsn)
    .map(readTombstone)
    .filter(({ dn }) => isWithinDn(dn, base));
  // What was changed while we searched has left the range: there is more to read then, and nothing is missed.
  const isLast = to >= ((await readChangeMark(directory))?.highestCommittedUsn ?? last);
  const { invocationId, startedAtUsn } = start;
  const head = formatPosition({ invocationId, usn: last });
  const position = formatPosition({ invocationId, usn: to, startedAtUsn: isLast ? undefined : startedAtUsn });
  return { position, head, changed: changed.toSorted(byUsn), deleted, isLast };
}

function usnOf(entry: LdapEntry): number {
  return Number(getText(entry, 'uSNChanged') ?? 0);
}

function byUsn(a: LdapEntry, b: LdapEntry): number {
  return usnOf(a) - usnOf(b);
}
