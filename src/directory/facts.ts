// Facts about the embedded directory itself, one text by name each, in its file.

import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Prepared statements over one open database, which its opener closes. */
export class Facts {
  readonly #read: StatementSync;
  readonly #write: StatementSync;

  constructor(database: DatabaseSync) {
    this.#read = database.prepare('SELECT value FROM facts WHERE name = ?');
    this.#write = database.prepare(
      'INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
  }

  /** The fact; `make` gives it when it is asked for the first time. */
  read(name: string, make: () => string): string {
    const row = this.#read.get(name);
    if (row) return String(row['value']);
    const value = make();
    this.#write.run(name, value);
    return value;
  }

  write(name: string, value: string): void {
    this.#write.run(name, value);
  }
}
