// The SQL on the tables of the embedded directory: entries by the key of their name and of their parent's, values beside them
// in order. Deleted entries are kept beside the live ones, and only who asks for them sees them. Knows names and octets, no
// LDAP; transactions are begun and ended in embedded-directory.ts.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { formatDn, normalizeDn, parseDn } from '../ldap/dn.ts';
import type { LdapEntry } from '../ldap/entry.ts';
import type { EntryAttributes } from './schema-check.ts';
import { ValueIndex } from './value-index.ts';

export interface StoredEntry extends LdapEntry {
  readonly id: number;
  readonly dnKey: string;
  readonly isDeleted: boolean;
  readonly usnChanged: number;
  /** With `uSNCreated` and `uSNChanged` among them. */
  readonly attributes: EntryAttributes;
}

/** Which entries a walk over the tree shows. */
export interface Visibility {
  readonly withDeleted: boolean;
}

type Row = Record<string, unknown>;

const COLUMNS = ['id', 'dn', 'dn_key', 'usn_created', 'usn_changed', 'deleted_ms'].map((name) => `entries.${name}`);
const SELECT = `SELECT ${COLUMNS.join(', ')} FROM entries`;

const SUBTREE = `WITH RECURSIVE tree (id, key) AS (
    SELECT id, dn_key FROM entries WHERE dn_key = :key
    UNION ALL SELECT entries.id, entries.dn_key FROM entries JOIN tree ON entries.parent_key = tree.key
      WHERE entries.deleted_ms IS NULL OR :deleted
  ) SELECT ${COLUMNS.join(', ')} FROM tree JOIN entries ON entries.id = tree.id`;

/** So many rows of a walk are in memory at a time. */
const WALK_ROWS = 200;

/** Kept in columns and not among the values. */
const USN_ATTRIBUTES: ReadonlySet<string> = new Set(['uSNCreated', 'uSNChanged']);

/** Prepared statements over one open database, which its opener closes. */
export class EntryStore {
  readonly #index: ValueIndex;
  readonly #find: StatementSync;
  readonly #byId: StatementSync;
  readonly #childIds: StatementSync;
  readonly #anyChild: StatementSync;
  readonly #subtree: StatementSync;
  readonly #byChange: StatementSync;
  readonly #expired: StatementSync;
  readonly #everything: StatementSync;
  readonly #values: StatementSync;
  readonly #insert: StatementSync;
  readonly #insertValue: StatementSync;
  readonly #clearValues: StatementSync;
  readonly #number: StatementSync;
  readonly #remove: StatementSync;
  readonly #move: StatementSync;
  readonly #bury: StatementSync;

  constructor(database: DatabaseSync) {
    this.#index = new ValueIndex(database);
    this.#find = database.prepare(`${SELECT} WHERE dn_key = ?`);
    this.#byId = database.prepare(`${SELECT} WHERE id = ?`);
    this.#childIds = database.prepare(
      'SELECT id FROM entries WHERE parent_key = ? AND id > ? AND (deleted_ms IS NULL OR ?) ORDER BY id LIMIT ?',
    );
    this.#anyChild = database.prepare(
      'SELECT 1 FROM entries WHERE parent_key = ? AND (deleted_ms IS NULL OR ?) LIMIT 1',
    );
    this.#subtree = database.prepare(SUBTREE);
    this.#byChange = database.prepare(
      `${SELECT} WHERE usn_changed >= ? AND usn_changed <= ? ORDER BY usn_changed LIMIT ?`,
    );
    this.#expired = database.prepare(`${SELECT} WHERE deleted_ms < ?`);
    this.#everything = database.prepare('SELECT id FROM entries WHERE deleted_ms IS NULL');
    this.#values = database.prepare(
      'SELECT attribute, value FROM entry_values WHERE entry_id = ? ORDER BY attribute, position',
    );
    this.#insert = database.prepare(
      'INSERT INTO entries (dn_key, dn, parent_key, usn_created, usn_changed) VALUES (?, ?, ?, ?, ?)',
    );
    this.#insertValue = database.prepare(
      'INSERT INTO entry_values (entry_id, attribute, position, value) VALUES (?, ?, ?, ?)',
    );
    this.#clearValues = database.prepare('DELETE FROM entry_values WHERE entry_id = ?');
    this.#number = database.prepare('UPDATE entries SET usn_changed = ? WHERE id = ?');
    this.#remove = database.prepare('DELETE FROM entries WHERE id = ?');
    this.#move = database.prepare('UPDATE entries SET dn_key = ?, dn = ?, parent_key = ? WHERE id = ?');
    this.#bury = database.prepare('UPDATE entries SET deleted_ms = ? WHERE id = ?');
  }

  /** The entry of that name, unless it was deleted. */
  find(dnKey: string): StoredEntry | undefined {
    const entry = this.findAny(dnKey);
    return entry?.isDeleted === true ? undefined : entry;
  }

  /** The entry of that name, deleted or not. */
  findAny(dnKey: string): StoredEntry | undefined {
    const row = this.#find.get(dnKey);
    return row && this.#load(row);
  }

  has(dnKey: string): boolean {
    const row = this.#find.get(dnKey);
    return row !== undefined && row['deleted_ms'] === null;
  }

  hasChildren(dnKey: string): boolean {
    return this.#isParent(dnKey, { withDeleted: false });
  }

  /** True when there is anything under it, deleted or not, as the walk shows it. */
  #isParent(dnKey: string, { withDeleted }: Visibility): boolean {
    return this.#anyChild.get(dnKey, Number(withDeleted)) !== undefined;
  }

  /**
   * Looked for a few at a time and loaded one by one as they are asked for, so that a walk which lasts holds little and shows
   * what is there by then; oldest first.
   */
  *children(dnKey: string, { withDeleted }: Visibility): Generator<StoredEntry> {
    for (let lastId = 0; ; ) {
      const rows = this.#childIds.all(dnKey, lastId, Number(withDeleted), WALK_ROWS);
      for (const row of rows) {
        lastId = Number(row['id']);
        const entry = this.#byIdNow(lastId);
        const isThere = entry && (withDeleted || !entry.isDeleted) && parentKeyOf(entry.dnKey) === dnKey;
        if (isThere) yield entry;
      }
      if (rows.length < WALK_ROWS) return;
    }
  }

  /** The entry and all under it, parents before what is under them; as slow to hold as `children`. */
  *subtree(dnKey: string, visibility: Visibility): Generator<StoredEntry> {
    const top = this.findAny(dnKey);
    if (!top) return;
    yield top;
    const levels = [this.children(dnKey, visibility)];
    for (let level = levels.at(-1); level; level = levels.at(-1)) {
      const { done, value: entry } = level.next();
      if (done === true) {
        levels.pop();
        continue;
      }
      yield entry;
      if (this.#isParent(entry.dnKey, visibility)) levels.push(this.children(entry.dnKey, visibility));
    }
  }

  /** Entries with a value of this key, live ones alone. */
  *byValue(attribute: string, key: string): Generator<StoredEntry> {
    for (const id of this.#index.find(attribute, key)) {
      const entry = this.#byIdNow(id);
      if (entry) yield entry;
    }
  }

  /** The same without what they say. */
  namesByValue(attribute: string, key: string): Pick<StoredEntry, 'dn' | 'dnKey' | 'isDeleted'>[] {
    const rows = this.#index.find(attribute, key).map((id) => this.#byId.get(id));
    return rows.filter((row) => row !== undefined).map(nameIn);
  }

  /** One that has a value of this key, by its number. */
  holderOf(attribute: string, key: string): number | undefined {
    return this.#index.find(attribute, key)[0];
  }

  /** Entries whose last change is in the range, both ends included, oldest first, deleted ones among them. */
  *byChange(from: number, to: number, limit = Infinity): Generator<StoredEntry> {
    let [next, left] = [from, limit];
    while (left > 0) {
      const rows = this.#byChange.all(next, to, Math.min(WALK_ROWS, left));
      for (const row of rows) yield this.#load(row);
      if (rows.length < WALK_ROWS) return;
      next = Number(rows.at(-1)?.['usn_changed']) + 1;
      left -= rows.length;
    }
  }

  /** Entries that were deleted before a time. */
  deletedBefore(time: Date): { id: number; usnChanged: number }[] {
    return this.#expired
      .all(time.getTime())
      .map((row) => ({ id: Number(row['id']), usnChanged: Number(row['usn_changed']) }));
  }

  insert(dn: string, attributes: EntryAttributes, usn: number): void {
    const { dnKey, parentKey } = keysOf(dn);
    const id = Number(this.#insert.run(dnKey, dn, parentKey, usn, usn).lastInsertRowid);
    this.#writeValues(id, attributes);
    this.#index.change(id, undefined, attributes);
  }

  replaceValues({ id, attributes: before }: StoredEntry, attributes: EntryAttributes, usn: number): void {
    this.#clearValues.run(id);
    this.#writeValues(id, attributes);
    this.#index.change(id, before, attributes);
    this.#number.run(usn, id);
  }

  /** Leaves of the entry what `remains` says, for those who ask for deleted entries. */
  bury(
    entry: StoredEntry,
    remains: { dn: string; attributes: EntryAttributes },
    at: { time: Date; usn: number },
  ): void {
    const { dnKey, parentKey } = keysOf(remains.dn);
    this.#clearValues.run(entry.id);
    this.#writeValues(entry.id, remains.attributes);
    this.#index.change(entry.id, entry.attributes, undefined);
    this.#move.run(dnKey, remains.dn, parentKey, entry.id);
    this.#bury.run(at.time.getTime(), entry.id);
    this.#number.run(at.usn, entry.id);
  }

  /** Takes away what `bury` left. */
  purge(id: number): void {
    this.#remove.run(id);
  }

  /** Gives the entry a new name, and with it all that is under it. */
  move(entry: StoredEntry, newDn: string): void {
    const depth = parseDn(entry.dn).length;
    const tree = this.#subtree
      .all({ key: entry.dnKey, deleted: 0 })
      .map((row) => ({ id: Number(row['id']), dn: String(row['dn']) }));
    for (const { id, dn } of tree) {
      const parts = parseDn(dn);
      const moved = formatDn([...parts.slice(0, parts.length - depth), ...parseDn(newDn)]);
      const { dnKey, parentKey } = keysOf(moved);
      this.#move.run(dnKey, moved, parentKey, id);
    }
  }

  /** Makes the index anew, for another choice of attributes. */
  rebuildIndex(): void {
    this.#index.clear();
    for (const { id } of this.#everything.all()) {
      const row = this.#byId.get(Number(id));
      if (row) this.#index.change(Number(id), undefined, this.#load(row).attributes);
    }
  }

  #byIdNow(id: number): StoredEntry | undefined {
    const row = this.#byId.get(id);
    return row && this.#load(row);
  }

  #load(row: Row): StoredEntry {
    const id = Number(row['id']);
    const usnChanged = Number(row['usn_changed']);
    const attributes = new Map<string, Buffer[]>();
    for (const { attribute, value } of this.#values.all(id)) {
      const values = attributes.get(String(attribute)) ?? [];
      values.push(Buffer.from(value as Uint8Array));
      attributes.set(String(attribute), values);
    }
    attributes.set('uSNCreated', [Buffer.from(String(row['usn_created']))]);
    attributes.set('uSNChanged', [Buffer.from(String(usnChanged))]);
    return { id, usnChanged, attributes, ...nameIn(row) };
  }

  #writeValues(id: number, attributes: EntryAttributes): void {
    for (const [attribute, values] of attributes) {
      if (USN_ATTRIBUTES.has(attribute)) continue;
      for (const [position, value] of values.entries()) this.#insertValue.run(id, attribute, position, value);
    }
  }
}

function nameIn(row: Row): Pick<StoredEntry, 'dn' | 'dnKey' | 'isDeleted'> {
  return { dn: String(row['dn']), dnKey: String(row['dn_key']), isDeleted: row['deleted_ms'] !== null };
}

function keysOf(dn: string): { dnKey: string; parentKey: string } {
  const dnKey = normalizeDn(dn);
  return { dnKey, parentKey: parentKeyOf(dnKey) };
}

/** Commas inside values are hexadecimal in a key. */
function parentKeyOf(dnKey: string): string {
  return dnKey.slice(dnKey.indexOf(',') + 1 || dnKey.length);
}
