// The directory in a SQLite file of this machine (node:sqlite), for AD on a hub and ADAM on an Edge alike. One process owns
// it. A list of operations is one transaction, synced when it returns. RFC 4511 §4.5 to §4.9; who may do what is for others.

import { randomUUID } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Cancel, Clock } from '../clock.ts';
import { formatDn, formatRdn, normalizeDn, parentDn, parseDn } from '../ldap/dn.ts';
import { type LdapEntry, type LdapOperation, selectAttributes } from '../ldap/entry.ts';
import { type Filter, matchFilter, parseFilter } from '../ldap/filter.ts';
import { fault, LdapFault } from '../ldap/result.ts';
import { openDatabase } from '../storage/database.ts';
import { ensurePrivateFolder } from '../storage/files.ts';
import type { ApplyOptions, Directory, DirectoryOptions, DirectoryQuery, SearchScope } from './directory.ts';
import {
  addNamingValues,
  applyChanges,
  dropNamingValues,
  hasNamingValues,
  readAddedAttributes,
} from './entry-change.ts';
import { DIRECTORY_MIGRATIONS, EntryStore, type StoredEntry } from './entry-store.ts';
import { isOperational } from './schema.ts';
import { checkEntry, type EntryAttributes } from './schema-check.ts';
import { schemaRules } from './schema-rules.ts';
import { formatGeneralizedTime } from './syntax.ts';

type Operation<K extends LdapOperation['kind']> = Extract<LdapOperation, { kind: K }>;

const DATABASE_FILE = 'directory.db';

/** Owns the open database. */
export class EmbeddedDirectory implements Directory {
  readonly backend = 'embedded';
  readonly namingContext: string;
  readonly #database: DatabaseSync;
  readonly #store: EntryStore;
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #isOpen = true;

  /** Opens or makes it; Problem `in-use`, `format-too-new` or `database-unreadable`. */
  static open(options: DirectoryOptions): EmbeddedDirectory {
    ensurePrivateFolder(options.folder);
    const path = join(options.folder, DATABASE_FILE);
    // SQLite would make it readable for others; its side files take after it.
    closeSync(openSync(path, 'a', 0o600));
    const database = openDatabase({ path, name: 'directory', migrations: DIRECTORY_MIGRATIONS, exclusive: true });
    return new EmbeddedDirectory(database, options);
  }

  private constructor(database: DatabaseSync, options: DirectoryOptions) {
    this.#database = database;
    this.#clock = options.clock;
    this.#store = new EntryStore(database);
    this.namingContext = this.#store.readFact('naming-context', () => options.namingContext);
  }

  async search(query: DirectoryQuery): Promise<LdapEntry[]> {
    const filter = typeof query.filter === 'string' ? parseFilter(query.filter) : query.filter;
    const baseKey = normalizeDn(query.base);
    if (!this.#store.has(baseKey)) throw this.#noSuchObject(query.base);
    const found: LdapEntry[] = [];
    for (const entry of this.#inScope(baseKey, query.scope)) {
      if (found.length === query.sizeLimit) break;
      if (isMatch(filter, entry)) found.push(select(entry, query.attributes));
    }
    return found;
  }

  async apply(operations: readonly LdapOperation[], options: ApplyOptions = {}): Promise<void> {
    if (operations.length === 0) return;
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const [index, operation] of operations.entries()) this.#applyOne(operation, index, options.author);
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#listeners.clear();
    this.#database.close();
  }

  #inScope(baseKey: string, scope: SearchScope): Iterable<StoredEntry> {
    if (scope === 'sub') return this.#store.subtree(baseKey);
    if (scope === 'one') return this.#store.children(baseKey);
    const entry = this.#store.find(baseKey);
    return entry ? [entry] : [];
  }

  #applyOne(operation: LdapOperation, index: number, author: string | undefined): void {
    try {
      switch (operation.kind) {
        case 'add':
          return this.#add(operation, author);
        case 'modify':
          return this.#modify(operation, author);
        case 'delete':
          return this.#delete(operation);
        default:
          return this.#rename(operation, author);
      }
    } catch (error) {
      if (!(error instanceof LdapFault)) throw error;
      const { resultCode, message, matchedDn } = error;
      throw new LdapFault(resultCode, message, { matchedDn, failedOperation: index, cause: error });
    }
  }

  #add({ dn, attributes: given }: Operation<'add'>, author: string | undefined): void {
    const attributes = readAddedAttributes(dn, given);
    const { name: structural } = checkEntry(attributes);
    const key = normalizeDn(dn);
    if (this.#store.has(key)) throw fault('entryAlreadyExists', `${dn} is already there`);
    const parent = parentDn(dn);
    if (parent === undefined) throw fault('unwillingToPerform', 'the root has no entry');
    if (key !== normalizeDn(this.namingContext) && !this.#store.has(normalizeDn(parent))) throw this.#noSuchObject(dn);
    attributes.set('structuralObjectClass', [Buffer.from(structural)]);
    attributes.set('entryUUID', [Buffer.from(randomUUID())]);
    this.#stamp(attributes, 'create', author);
    this.#stamp(attributes, 'modify', author);
    this.#store.insert(dn, attributes);
  }

  #modify({ dn, changes }: Operation<'modify'>, author: string | undefined): void {
    const entry = this.#require(dn);
    const attributes = applyChanges(entry.attributes, changes);
    const rdn = parseDn(entry.dn)[0] ?? [];
    if (!hasNamingValues(attributes, rdn)) throw fault('notAllowedOnRDN', `${formatRdn(rdn)} names the entry`);
    this.#replace(entry, attributes, author);
  }

  #delete({ dn }: Operation<'delete'>): void {
    const entry = this.#require(dn);
    if (this.#store.hasChildren(normalizeDn(dn)))
      throw fault('notAllowedOnNonLeaf', `${entry.dn} has entries under it`);
    this.#store.remove(entry.id);
  }

  #rename(operation: Operation<'rename'>, author: string | undefined): void {
    const entry = this.#require(operation.dn);
    const [newRdn, ...rest] = parseDn(operation.newRdn);
    if (!newRdn || rest.length > 0) throw fault('invalidDNSyntax', 'the new name is not one part of a name');
    const parent = operation.newSuperior ?? parentDn(entry.dn) ?? '';
    const newDn = formatDn([newRdn, ...parseDn(parent)]);
    this.#checkDestination(entry, newDn, parent);
    const attributes: EntryAttributes = new Map(entry.attributes);
    if (operation.deleteOldRdn) dropNamingValues(attributes, parseDn(entry.dn)[0] ?? []);
    addNamingValues(attributes, newRdn);
    this.#replace(entry, attributes, author);
    this.#store.move(entry, newDn);
  }

  #checkDestination(entry: StoredEntry, newDn: string, parent: string): void {
    const [oldKey, newKey] = [normalizeDn(entry.dn), normalizeDn(newDn)];
    if (oldKey === normalizeDn(this.namingContext)) {
      throw fault('unwillingToPerform', 'the naming context keeps its name');
    }
    if (newKey.endsWith(`,${oldKey}`)) throw fault('unwillingToPerform', 'an entry cannot be moved under itself');
    if (!this.#store.has(normalizeDn(parent))) throw this.#noSuchObject(parent);
    if (newKey !== oldKey && this.#store.has(newKey)) throw fault('entryAlreadyExists', `${newDn} is already there`);
  }

  #replace(entry: StoredEntry, attributes: EntryAttributes, author: string | undefined): void {
    const { name } = checkEntry(attributes);
    if (entry.attributes.get('structuralObjectClass')?.[0]?.toString() !== name) {
      throw fault('objectClassModsProhibited', 'the structural object class of an entry stays');
    }
    this.#stamp(attributes, 'modify', author);
    this.#store.replaceValues(entry.id, attributes);
  }

  #stamp(attributes: EntryAttributes, what: 'create' | 'modify', author: string | undefined): void {
    const [time, name] = what === 'create' ? ['createTimestamp', 'creatorsName'] : ['modifyTimestamp', 'modifiersName'];
    attributes.set(time, [Buffer.from(formatGeneralizedTime(this.#clock.now()))]);
    if (author === undefined) attributes.delete(name);
    else attributes.set(name, [Buffer.from(author)]);
  }

  #require(dn: string): StoredEntry {
    const entry = this.#store.find(normalizeDn(dn));
    if (!entry) throw this.#noSuchObject(dn);
    return entry;
  }

  /** matchedDN is the nearest entry above that exists (RFC 4511 §4.1.9). */
  #noSuchObject(dn: string): LdapFault {
    let matched: StoredEntry | undefined;
    for (let parts = parseDn(dn).slice(1); parts.length > 0 && !matched; parts = parts.slice(1)) {
      matched = this.#store.find(normalizeDn(formatDn(parts)));
    }
    return fault('noSuchObject', `${dn} is not there`, { matchedDn: matched?.dn ?? '' });
  }
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
