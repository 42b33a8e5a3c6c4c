// The embedded spool's on-disk format, version by version: a script here is never changed once released, the next one is
// added behind it. Beside the database: bodies/ (large bodies) and damaged/ (what was found in bodies/ and is none of ours).

/** The n-th script brings a spool from version n to n+1. */
export const SPOOL_MIGRATIONS: readonly string[] = [
  // message never changes once written; state exists only where it differs from a fresh message; a row in damaged takes
  // the message of the same id out of use and leaves its octets where they are. body stands last: a scan for the small
  // columns then leaves its pages alone. AUTOINCREMENT: an id is never used twice.
  `
  CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_ms INTEGER NOT NULL,
    body_size INTEGER NOT NULL,
    body_file TEXT,
    checksum BLOB NOT NULL,
    body_checksum BLOB NOT NULL,
    envelope BLOB NOT NULL,
    trace BLOB NOT NULL,
    body BLOB
  ) STRICT;
  CREATE INDEX message_body_file ON message (body_file, body_size) WHERE body_file IS NOT NULL;
  CREATE TABLE state (
    id INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    attempts INTEGER NOT NULL,
    next_attempt_ms INTEGER NOT NULL,
    suspended INTEGER NOT NULL,
    recipients TEXT NOT NULL,
    checksum BLOB NOT NULL
  ) STRICT;
  CREATE TABLE damaged (
    id INTEGER PRIMARY KEY REFERENCES message (id) ON DELETE CASCADE,
    reason TEXT NOT NULL,
    found_ms INTEGER NOT NULL
  ) STRICT;
  `,
];
