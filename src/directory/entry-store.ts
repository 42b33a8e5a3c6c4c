// The tables of the embedded directory and the SQL on them: entries by the key of their name and of their parent's, values
// beside them in order. Knows names and octets, no LDAP; transactions are begun and ended in embedded-directory.ts.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { formatDn, normalizeDn, parseDn } from '../ldap/dn.ts';
import type { LdapEntry } from '../ldap/entry.ts';
import type { EntryAttributes } from './schema-check.ts';

/** One script a format version, as openDatabase wants them. */
export const DIRECTORY_MIGRATIONS: readonly string[] = [
  `CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE entries (
     id INTEGER PRIMARY KEY,
     dn_key TEXT NOT NULL UNIQUE,
     dn TEXT NOT NULL,
     parent_key TEXT NOT NULL
   ) STRICT;
   CREATE INDEX entries_by_parent ON entries (parent_key);
   CREATE TABLE entry_values (
     entry_id INTEGER NOT NULL REFERENCES entries (id) ON DELETE CASCADE,
     attribute TEXT NOT NULL,
     position INTEGER NOT NULL,
     value BLOB NOT NULL,
     PRIMARY KEY (entry_id, attribute, position)
   ) STRICT, WITHOUT ROWID;`,
];

export interface StoredEntry extends LdapEntry {
  readonly id: number;
  readonly attributes: EntryAttributes;
}

const SUBTREE = `WITH RECURSIVE tree (id, dn, dn_key) AS (
    SELECT id, dn, dn_key FROM entries WHERE dn_key = ?
    UNION ALL SELECT entries.id, entries.dn, entries.dn_key FROM entries JOIN tree ON entries.parent_key = tree.dn_key
  ) SELECT id, dn FROM tree`;

/** Prepared statements over one open database, which its opener closes. */
export class EntryStore {
  readonly #find: StatementSync;
  readonly #children: StatementSync;
  readonly #subtree: StatementSync;
  readonly #hasChild: StatementSync;
  readonly #values: StatementSync;
  readonly #insert: StatementSync;
  readonly #insertValue: StatementSync;
  readonly #clearValues: StatementSync;
  readonly #remove: StatementSync;
  readonly #move: StatementSync;
  readonly #fact: StatementSync;
  readonly #setFact: StatementSync;

  constructor(database: DatabaseSync) {
    this.#find = database.prepare('SELECT id, dn FROM entries WHERE dn_key = ?');
    this.#children = database.prepare('SELECT id, dn FROM entries WHERE parent_key = ?');
    this.#subtree = database.prepare(SUBTREE);
    this.#hasChild = database.prepare('SELECT 1 FROM entries WHERE parent_key = ? LIMIT 1');
    this.#values = database.prepare(
      'SELECT attribute, value FROM entry_values WHERE entry_id = ? ORDER BY attribute, position',
    );
    this.#insert = database.prepare('INSERT INTO entries (dn_key, dn, parent_key) VALUES (?, ?, ?)');
    this.#insertValue = database.prepare(
      'INSERT INTO entry_values (entry_id, attribute, position, value) VALUES (?, ?, ?, ?)',
    );
    this.#clearValues = database.prepare('DELETE FROM entry_values WHERE entry_id = ?');
    this.#remove = database.prepare('DELETE FROM entries WHERE id = ?');
    this.#move = database.prepare('UPDATE entries SET dn_key = ?, dn = ?, parent_key = ? WHERE id = ?');
    this.#fact = database.prepare('SELECT value FROM facts WHERE name = ?');
    this.#setFact = database.prepare('INSERT INTO facts (name, value) VALUES (?, ?)');
  }

  /** A fact about the directory itself; `make` gives it when it is asked for the first time. */
  readFact(name: string, make: () => string): string {
    const row = this.#fact.get(name);
    if (row) return String(row['value']);
    const value = make();
    this.#setFact.run(name, value);
    return value;
  }

  find(dnKey: string): StoredEntry | undefined {
    const row = this.#find.get(dnKey);
    return row && this.#load(row);
  }

  has(dnKey: string): boolean {
    return this.#find.get(dnKey) !== undefined;
  }

  hasChildren(dnKey: string): boolean {
    return this.#hasChild.get(dnKey) !== undefined;
  }

  /** Loaded one by one as they are asked for. */
  *children(dnKey: string): Generator<StoredEntry> {
    for (const row of this.#children.all(dnKey)) yield this.#load(row);
  }

  /** The entry and all under it, parents first. */
  *subtree(dnKey: string): Generator<StoredEntry> {
    for (const row of this.#subtree.all(dnKey)) yield this.#load(row);
  }

  insert(dn: string, attributes: EntryAttributes): void {
    const { dnKey, parentKey } = keysOf(dn);
    const { lastInsertRowid } = this.#insert.run(dnKey, dn, parentKey);
    this.#writeValues(Number(lastInsertRowid), attributes);
  }

  replaceValues(id: number, attributes: EntryAttributes): void {
    this.#clearValues.run(id);
    this.#writeValues(id, attributes);
  }

  remove(id: number): void {
    this.#remove.run(id);
  }

  /** Gives the entry a new name, and with it all that is under it. */
  move(entry: StoredEntry, newDn: string): void {
    const depth = parseDn(entry.dn).length;
    const tree = this.#subtree
      .all(normalizeDn(entry.dn))
      .map((row) => ({ id: Number(row['id']), dn: String(row['dn']) }));
    for (const { id, dn } of tree) {
      const parts = parseDn(dn);
      const moved = formatDn([...parts.slice(0, parts.length - depth), ...parseDn(newDn)]);
      const { dnKey, parentKey } = keysOf(moved);
      this.#move.run(dnKey, moved, parentKey, id);
    }
  }

  #load(row: Record<string, unknown>): StoredEntry {
    const id = Number(row['id']);
    const attributes = new Map<string, Buffer[]>();
    for (const { attribute, value } of this.#values.all(id)) {
      const values = attributes.get(String(attribute)) ?? [];
      values.push(Buffer.from(value as Uint8Array));
      attributes.set(String(attribute), values);
    }
    return { id, dn: String(row['dn']), attributes };
  }

  #writeValues(id: number, attributes: EntryAttributes): void {
    for (const [attribute, values] of attributes) {
      for (const [position, value] of values.entries()) this.#insertValue.run(id, attribute, position, value);
    }
  }
}

function keysOf(dn: string): { dnKey: string; parentKey: string } {
  return { dnKey: normalizeDn(dn), parentKey: normalizeDn(formatDn(parseDn(dn).slice(1))) };
}
