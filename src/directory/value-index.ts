// Look-ups by value in the embedded directory: for a few attributes the comparison key of each value stands in a table of its
// own, so that finding an entry by one of them costs the same in a directory of any size.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EntryAttributes } from './schema-check.ts';
import { keyOf } from './schema-rules.ts';

/** An attribute that joins or leaves is noticed when a file is opened, and the table is made anew. */
const INDEXED_ATTRIBUTES: readonly string[] = ['entryUUID', 'msExchEdgeProxyAddressHash', 'proxyAddresses'];

/** True when an equality on the attribute, spelled as in the schema, is answered without walking the tree. */
export function isIndexed(attribute: string): boolean {
  return INDEXED_ATTRIBUTES.includes(attribute);
}

/** Attributes of which no two entries have the same value: mail to an address must reach one recipient. */
export const UNIQUE_ATTRIBUTES: readonly string[] = ['proxyAddresses'];

/** Which attributes the table is made of, as a text that a file remembers. */
export const INDEX_SIGNATURE = INDEXED_ATTRIBUTES.join(' ');

/** Prepared statements over one open database, which its opener closes. */
export class ValueIndex {
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;
  readonly #find: StatementSync;
  readonly #clear: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT OR IGNORE INTO value_keys (attribute, key, entry_id) VALUES (?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM value_keys WHERE attribute = ? AND key = ? AND entry_id = ?');
    this.#find = database.prepare('SELECT entry_id FROM value_keys WHERE attribute = ? AND key = ?');
    this.#clear = database.prepare('DELETE FROM value_keys');
  }

  /** Brings the keys of one entry from those of `before` to those of `after`. */
  change(id: number, before: EntryAttributes | undefined, after: EntryAttributes | undefined): void {
    for (const attribute of INDEXED_ATTRIBUTES) {
      const [old, next] = [keysOf(attribute, before), keysOf(attribute, after)];
      for (const key of old) if (!next.has(key)) this.#delete.run(attribute, Buffer.from(key), id);
      for (const key of next) if (!old.has(key)) this.#insert.run(attribute, Buffer.from(key), id);
    }
  }

  /** The entries with a value of this key, made by schema-rules.ts' keyOf. */
  find(attribute: string, key: string): number[] {
    return this.#find.all(attribute, Buffer.from(key)).map((row) => Number(row['entry_id']));
  }

  clear(): void {
    this.#clear.run();
  }
}

function keysOf(attribute: string, attributes: EntryAttributes | undefined): ReadonlySet<string> {
  const keys = (attributes?.get(attribute) ?? []).map((value) => keyOf(attribute, value));
  return new Set(keys.filter((key) => key !== undefined));
}
