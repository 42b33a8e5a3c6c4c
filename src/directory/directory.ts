// The kind: a directory with LDAP's own operations (RFC 4511), a tree of entries under one naming context. Asynchronous,
// since a backend may be a server on the network. What the entries mean is the views' affair (send-connector.ts and its
// like), who may write which is active-directory.ts' and adam.ts'. Refusals are LdapFault with LDAP's result codes.

import type { Cancel, Clock } from '../clock.ts';
import type { LdapEntry, LdapOperations } from '../ldap/entry.ts';
import type { Filter, MatchingRules } from '../ldap/filter.ts';
import type { Log } from '../log.ts';
import type { ChangeMark, ChangePage } from './change-feed.ts';
import type { LdapServer, ServerChange } from './ldap-servers.ts';
import type { ReplicaPosition } from './replica-position.ts';

/** RFC 4511 §4.5.1.2: the base itself, its children, or the base with all that is under it. */
export type SearchScope = 'base' | 'one' | 'sub';

export interface DirectoryQuery {
  readonly base: string;
  readonly scope: SearchScope;
  /** RFC 4515 text or a tree; every entry in scope when absent. */
  readonly filter?: string | Filter;
  /** `*` user attributes, `+` operational ones, `1.1` none; every user attribute when absent. */
  readonly attributes?: readonly string[];
  /** At most so many entries come back, which of them is not said. To see whether there are more, ask for one more. */
  readonly sizeLimit?: number;
}

/** A search whose entries are made as they are asked for. */
export interface DirectoryWalk extends Pick<DirectoryQuery, 'base' | 'scope'> {
  readonly filter: Filter;
  /** How values compare, and which attributes the filter may ask about. */
  readonly rules: MatchingRules;
  /** Asked now and then; true ends the walk. */
  readonly isOver: () => boolean;
}

export interface ApplyOptions {
  /** Name of who writes, for creatorsName and modifiersName; a backend that knows its writer by a bind ignores it. */
  readonly author?: string;
}

export interface Directory {
  /** Its name in the table of backends. */
  readonly backend: string;
  /** The name under which everything lives. */
  readonly namingContext: string;
  /** Address of the LDAP server that was used last; absent for a directory of its own. */
  readonly server?: string | undefined;

  /** Entries in scope that match, attributes spelled as in the schema. Throws LdapFault, Problem `bad-dn` or `bad-filter`. */
  search(query: DirectoryQuery): Promise<LdapEntry[]>;

  /** The same for more entries than one would hold in memory, some hundred at a time, and without a size limit. */
  scan(query: Omit<DirectoryQuery, 'sizeLimit'>): AsyncGenerator<readonly LdapEntry[]>;

  /** All of the operations in their order, or none. Throws LdapFault (its `failedOperation` names the place) or `bad-dn`. */
  apply(operations: LdapOperations, options?: ApplyOptions): Promise<void>;

  /**
   * What was changed and deleted under `base` since a position, oldest first, about `limit` changes at a time; everything
   * that is there without a position. Undefined when the directory keeps no change numbers: compare all of it then.
   * Throws LdapFault or Problem `position-unknown`.
   */
  readChanges(base: string, since?: string, limit?: number): Promise<ChangePage | undefined>;

  /** Where the numbers of `readChanges` stand, for a directory that keeps them itself. */
  readonly changeMark?: ChangeMark;

  /** How far the copy that is read has come; undefined where it does not say so, or was not asked yet. */
  readonly position?: ReplicaPosition | undefined;

  /** True when a container from which entries are taken must hold one that stays. Absent: false. */
  needsPlaceholders?(): Promise<boolean>;

  /** Calls `listener` after each change that this process can know of, and when there may have been one. */
  onChange(listener: () => void): Cancel;

  /** Lets go of everything; a second time it does nothing. */
  close(): void;
}

/** One that can be served to others: it finds entries one after the other, however many there are. */
export interface ServableDirectory extends Directory {
  /**
   * Whole entries, operational attributes among them, those that are reckoned for the answer included. What is changed between
   * two of them may show or not. Throws LdapFault or Problem `bad-dn` at the first.
   */
  walk(walk: DirectoryWalk): AsyncIterable<LdapEntry>;
}

/** True for a directory that can be served. */
export function isServable(directory: Directory): directory is ServableDirectory {
  return 'walk' in directory;
}

export interface DirectoryOptions {
  /** The directory's own folder; made when absent, private to its owner. */
  readonly folder: string;
  /** For a directory that is made now; one that is there keeps its own. */
  readonly namingContext: string;
  readonly clock: Clock;
  readonly log: Log;
  /** For a directory on LDAP servers: those that hold it, the preferred one first. */
  readonly servers?: readonly LdapServer[];
  /** For the same: called when another of them is used. */
  readonly onServerChange?: (change: ServerChange) => void;
  /** For the same: how often to ask for what others changed. */
  readonly refreshMs?: number;
  /** For the same: its naming context as it was when the server was reached the last time. */
  readonly lastNamingContext?: string | undefined;
}

/** A member of the table in backends.ts. */
export interface DirectoryBackend {
  readonly name: string;
  /** Opens or makes the directory; Problem `in-use`, `format-too-new` or `database-unreadable`. */
  open(options: DirectoryOptions): Promise<Directory>;
}
