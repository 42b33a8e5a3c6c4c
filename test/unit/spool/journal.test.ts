import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DatabaseSync } from 'node:sqlite';
import { Journal } from '../../../src/spool/journal.ts';
import { makeFolder, removeFolder } from '../../helpers/spool-fixtures.ts';

describe('the journal', () => {
  let folder: string;
  let database: DatabaseSync;
  let journal: Journal;

  beforeEach(() => {
    folder = makeFolder();
    database = new DatabaseSync(path());
    database.exec('PRAGMA journal_mode = WAL; CREATE TABLE entry (octets BLOB)');
    journal = new Journal(database, path(), {});
    journal.makeRoom();
  });

  afterEach(() => {
    journal.close();
    database.close();
    removeFolder(folder);
  });

  const path = (): string => join(folder, 'spool.db');
  const databaseBytes = (): number => statSync(path()).size;

  async function sync(times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      database.exec('INSERT INTO entry VALUES (zeroblob(4096))');
      await journal.sync();
    }
  }

  it('is moved into the database when it is asked at leisure, after 400 syncs', async () => {
    const syncs = 400;
    const before = databaseBytes();
    await sync(syncs - 1);
    journal.tidy();
    expect(databaseBytes()).toBe(before);
    await sync(1);
    journal.tidy();
    const after = databaseBytes();
    expect(after).toBeGreaterThan(before + syncs * 4096);
    await sync(1);
    journal.tidy();
    expect(databaseBytes()).toBe(after);
  });
});
