// The directory in a SQLite file of this machine (node:sqlite), for AD on a hub and ADAM on an Edge alike. One process owns
// it. A list of operations is one transaction, synced when it returns; a long one lets the process breathe, and who asks
// meanwhile waits and sees all of it or nothing. RFC 4511 §4.5 to §4.9; who may do what is for others.

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Cancel } from '../clock.ts';
import { normalizeDn } from '../ldap/dn.ts';
import { type LdapEntry, type LdapOperation, type LdapOperations, selectAttributes } from '../ldap/entry.ts';
import { type Filter, matchFilter, parseFilter } from '../ldap/filter.ts';
import { LdapFault } from '../ldap/result.ts';
import { Problem } from '../problem.ts';
import { openDatabase } from '../storage/database.ts';
import { ensurePrivateFolder } from '../storage/files.ts';
import { type ChangeMark, type ChangePage, deletionsFrom, formatPosition, startFrom } from './change-feed.ts';
import { ChangeNumbers } from './change-numbers.ts';
import type { ApplyOptions, DirectoryOptions, DirectoryQuery, DirectoryWalk, ServableDirectory } from './directory.ts';
import { DIRECTORY_MIGRATIONS } from './directory-format.ts';
import { EntrySearch } from './entry-search.ts';
import { EntryStore, type StoredEntry } from './entry-store.ts';
import { EntryWriter } from './entry-writer.ts';
import { Facts } from './facts.ts';
import { isOperational } from './schema.ts';
import { schemaRules } from './schema-rules.ts';
import { reckonAttributes } from './reckoned-attributes.ts';
import { readTombstone } from './tombstone.ts';
import { INDEX_SIGNATURE } from './value-index.ts';

const DATABASE_FILE = 'directory.db';
/** At most: room for the index of a hundred thousand recipients, so that a look-up costs no more with them than with few. */
const CACHE_KIB = 32_768;
/** So many operations are carried out without a pause: some milliseconds. */
const SLICE_OPERATIONS = 200;
/** So long a search that somebody sent is at work without a pause, in real time: one question of a large filter may take long. */
const SLICE_MS = 10;
/** So many entries are looked at without a pause. */
const PAGE_ENTRIES = 500;

/** Owns the open database. */
export class EmbeddedDirectory implements ServableDirectory {
  readonly backend = 'embedded';
  readonly namingContext: string;
  readonly #database: DatabaseSync;
  readonly #store: EntryStore;
  readonly #search: EntrySearch;
  readonly #numbers: ChangeNumbers;
  readonly #writer: EntryWriter;
  readonly #listeners = new Set<() => void>();
  /** Over when the long transaction under way is: whoever comes meanwhile waits, and looks again before it does anything. */
  #longWork: Promise<void> | undefined;
  #isOpen = true;

  /** Opens or makes it; Problem `in-use`, `format-too-new` or `database-unreadable`. */
  static open(options: DirectoryOptions): EmbeddedDirectory {
    ensurePrivateFolder(options.folder);
    const path = join(options.folder, DATABASE_FILE);
    // SQLite would make it readable for others; its side files take after it.
    closeSync(openSync(path, 'a', 0o600));
    const database = openDatabase({ path, name: 'directory', migrations: DIRECTORY_MIGRATIONS, exclusive: true });
    database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
    return new EmbeddedDirectory(database, options);
  }

  private constructor(database: DatabaseSync, options: DirectoryOptions) {
    this.#database = database;
    this.#store = new EntryStore(database);
    const facts = new Facts(database);
    this.namingContext = facts.read('naming-context', () => options.namingContext);
    this.#search = new EntrySearch(this.#store, this.namingContext);
    this.#numbers = new ChangeNumbers(facts);
    const { namingContext } = this;
    this.#writer = new EntryWriter({ store: this.#store, numbers: this.#numbers, clock: options.clock, namingContext });
    this.#transact(() => {
      if (facts.read('indexed-attributes', () => '') !== INDEX_SIGNATURE) this.#store.rebuildIndex();
      facts.write('indexed-attributes', INDEX_SIGNATURE);
      this.#writer.purge();
    });
  }

  /** Throws Problem `directory-closed`: what cannot be read any more has no last change either. */
  get changeMark(): ChangeMark {
    if (!this.#isOpen) throw new Problem('directory-closed', 'the directory was closed');
    return this.#numbers.mark;
  }

  async search(query: DirectoryQuery): Promise<LdapEntry[]> {
    while (this.#longWork) await this.#longWork;
    const filter = typeof query.filter === 'string' ? parseFilter(query.filter) : query.filter;
    const named = this.#search.namesByIndex(query, filter);
    if (named) return named.slice(0, query.sizeLimit);
    const candidates = this.#search.candidates(query, filter);
    if (!candidates) throw this.#writer.noSuchObject(query.base);
    const found: LdapEntry[] = [];
    for (const entry of candidates) {
      if (found.length === query.sizeLimit) break;
      if (isMatch(filter, entry)) found.push(select(entry, query.attributes));
    }
    return found;
  }

  async *scan(query: DirectoryQuery): AsyncGenerator<readonly LdapEntry[]> {
    while (this.#longWork) await this.#longWork;
    const filter = typeof query.filter === 'string' ? parseFilter(query.filter) : query.filter;
    const candidates = this.#search.candidates(query, filter);
    if (!candidates) throw this.#writer.noSuchObject(query.base);
    let page: LdapEntry[] = [];
    let looked = 0;
    for (const entry of candidates) {
      // Deleted between two pages, it has nothing left but its numbers.
      if (entry.attributes.has('objectClass') && isMatch(filter, entry)) page.push(select(entry, query.attributes));
      looked += 1;
      if (looked % PAGE_ENTRIES > 0) continue;
      yield page;
      page = [];
      await this.#pause();
    }
    yield page;
  }

  async #pause(): Promise<void> {
    await nextTurn();
    while (this.#longWork) await this.#longWork;
  }

  async *walk({ base, scope, filter, rules, isOver }: DirectoryWalk): AsyncGenerator<LdapEntry> {
    while (this.#longWork) await this.#longWork;
    const candidates = this.#search.candidates({ base, scope }, filter);
    if (!candidates) throw this.#writer.noSuchObject(base);
    const iterator = candidates[Symbol.iterator]();
    let restedMs = performance.now();
    while (!isOver()) {
      if (performance.now() - restedMs > SLICE_MS) {
        await nextTurn();
        restedMs = performance.now();
      }
      // Between two entries others may have written, and a long transaction may be under way.
      for (let work = this.#workUnderWay(); work; work = this.#workUnderWay()) await work;
      if (!this.#isOpen)
        throw new Problem('directory-closed', 'the directory was closed before the search was complete');
      const { done, value: stored } = iterator.next();
      if (done === true) return;
      const entry = reckonAttributes(stored, this.#store.hasChildren(stored.dnKey));
      if (matchFilter(filter, entry, rules)) yield entry;
    }
  }

  async readChanges(base: string, since?: string, limit?: number): Promise<ChangePage> {
    while (this.#longWork) await this.#longWork;
    const start = startFrom(since, this.#numbers.mark);
    const baseKey = normalizeDn(base);
    const changed: LdapEntry[] = [];
    const deleted: ChangePage['deleted'][number][] = [];
    let [usn, count] = [start.usn, 0];
    for (const entry of this.#store.byChange(start.usn + 1, Number.MAX_SAFE_INTEGER, limit)) {
      [usn, count] = [entry.usnChanged, count + 1];
      if (!entry.isDeleted) {
        if (isWithin(entry.dnKey, baseKey)) changed.push(select(entry, ['*', '+']));
      } else if (usn > deletionsFrom(start)) {
        const remains = readTombstone(entry);
        if (isWithin(normalizeDn(remains.dn), baseKey)) deleted.push(remains);
      }
    }
    const isLast = limit === undefined || count < limit;
    const { invocationId, startedAtUsn } = start;
    const head = formatPosition({ invocationId, usn: this.#numbers.mark.highestCommittedUsn });
    const position = formatPosition({ invocationId, usn, startedAtUsn: isLast ? undefined : startedAtUsn });
    return { position, head, changed, deleted, isLast };
  }

  async apply(operations: LdapOperations, options: ApplyOptions = {}): Promise<void> {
    if (operations.length === 0) return;
    while (this.#longWork) await this.#longWork;
    if (operations.length <= SLICE_OPERATIONS) this.#transact(() => this.#writeAll(operations, options.author));
    else await this.#applyInSlices(operations, options.author);
    for (const listener of this.#listeners) listener();
  }

  #workUnderWay(): Promise<void> | undefined {
    return this.#longWork;
  }

  onChange(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#listeners.clear();
    // A long transaction that is under way notices, and closes what it gave up.
    if (!this.#longWork) this.#database.close();
  }

  #transact(work: () => void): void {
    this.#begin();
    try {
      work();
      this.#commit();
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  async #applyInSlices(operations: LdapOperations, author: string | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#longWork = promise;
    try {
      this.#begin();
      try {
        await this.#writeSlices(operations, author);
        this.#commit();
      } catch (error) {
        this.#rollBack();
        throw error;
      }
    } finally {
      this.#longWork = undefined;
      if (!this.#isOpen) this.#database.close();
      resolve();
    }
  }

  async #writeSlices(operations: LdapOperations, author: string | undefined): Promise<void> {
    let index = 0;
    for (const operation of operations) {
      if (index % SLICE_OPERATIONS === 0) await nextTurn();
      if (!this.#isOpen)
        throw new Problem('directory-closed', 'the directory was closed before the change was complete');
      this.#write(operation, index, author);
      index += 1;
    }
  }

  #writeAll(operations: LdapOperations, author: string | undefined): void {
    let index = 0;
    for (const operation of operations) {
      this.#write(operation, index, author);
      index += 1;
    }
  }

  #write(operation: LdapOperation, index: number, author: string | undefined): void {
    try {
      this.#writer.write(operation, author);
    } catch (error) {
      if (!(error instanceof LdapFault)) throw error;
      const { resultCode, message, matchedDn } = error;
      throw new LdapFault(resultCode, message, { matchedDn, failedOperation: index, cause: error });
    }
  }

  #begin(): void {
    this.#database.exec('BEGIN IMMEDIATE');
  }

  #commit(): void {
    this.#writer.purge();
    this.#numbers.save();
    this.#database.exec('COMMIT');
    this.#numbers.settle();
  }

  #rollBack(): void {
    this.#database.exec('ROLLBACK');
    this.#numbers.settle();
  }
}

function isWithin(dnKey: string, baseKey: string): boolean {
  return dnKey === baseKey || dnKey.endsWith(`,${baseKey}`);
}

function isMatch(filter: Filter | undefined, entry: LdapEntry): boolean {
  return filter === undefined || matchFilter(filter, entry, schemaRules);
}

function select(entry: StoredEntry, attributes: readonly string[] = []): LdapEntry {
  return selectAttributes(
    { dn: entry.dn, attributes: entry.attributes },
    { attributes, typesOnly: false },
    isOperational,
  );
}
