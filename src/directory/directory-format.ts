// The format of the embedded directory's file: one SQL script for each version, as openDatabase wants them. Version 2 adds
// what replication reads: update sequence numbers (USN), deleted entries that are kept for a while, and a table of keys for
// look-ups by value, which value-index.ts fills.

const VERSION_1 = `
  CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
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
  ) STRICT, WITHOUT ROWID;`;

/** What is there already counts as made in the order in which it was made: later changes get higher numbers. */
const VERSION_2 = `
  ALTER TABLE entries ADD COLUMN usn_created INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entries ADD COLUMN usn_changed INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entries ADD COLUMN deleted_ms INTEGER;
  UPDATE entries SET usn_created = id, usn_changed = id;
  INSERT INTO facts (name, value) SELECT 'highest-usn', CAST(COALESCE(MAX(id), 0) AS TEXT) FROM entries;
  CREATE INDEX entries_by_change ON entries (usn_changed);
  CREATE INDEX entries_by_deletion ON entries (deleted_ms) WHERE deleted_ms IS NOT NULL;
  CREATE TABLE value_keys (
    attribute TEXT NOT NULL,
    key BLOB NOT NULL,
    entry_id INTEGER NOT NULL,
    PRIMARY KEY (attribute, key, entry_id)
  ) STRICT, WITHOUT ROWID;`;

export const DIRECTORY_MIGRATIONS: readonly string[] = [VERSION_1, VERSION_2];
