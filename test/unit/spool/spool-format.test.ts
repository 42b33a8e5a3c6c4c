import { join } from 'node:path';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedSpool } from '../../../src/spool/embedded-spool.ts';
import { SPOOL_MIGRATIONS } from '../../../src/spool/spool-format.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { makeFolder, readBody, removeFolder, spoolOptions, storeMessage } from '../../helpers/spool-fixtures.ts';

describe('the format of the embedded spool', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = makeFolder();
    path = join(folder, 'spool', 'spool.db');
  });

  afterEach(() => {
    removeFolder(folder);
  });

  it('is brought up from the version before it with all its mail', async () => {
    const spool = await EmbeddedSpool.open(spoolOptions(folder));
    const { id } = await storeMessage(spool, Buffer.from('older mail'));
    await spool.close();
    const next = "ALTER TABLE message ADD COLUMN colour TEXT; UPDATE message SET colour = 'red'";
    const migrations = [...SPOOL_MIGRATIONS, next];
    const database = openDatabase({ path, name: 'spool', migrations, exclusive: true });
    expect(database.prepare('SELECT id, colour FROM message').get()).toEqual({ id, colour: 'red' });
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: SPOOL_MIGRATIONS.length + 1 });
    database.close();
  });

  it('is brought up from an empty file, which a crash at the first start can leave', async () => {
    mkdirSync(join(folder, 'spool'));
    writeFileSync(path, '');
    const spool = await EmbeddedSpool.open(spoolOptions(folder));
    const message = await storeMessage(spool, Buffer.from('x'));
    expect((await readBody(spool, message)).toString()).toBe('x');
    await spool.close();
  });

  it('is refused in one sentence when it is newer, and left as it is', async () => {
    const spool = await EmbeddedSpool.open(spoolOptions(folder));
    await storeMessage(spool, Buffer.from('newer mail'));
    await spool.close();
    const newer = new DatabaseSync(path);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    const opening = EmbeddedSpool.open(spoolOptions(folder));
    await expect(opening).rejects.toMatchObject({
      code: 'format-too-new',
      message: expect.stringMatching(
        /^the spool \S+ has format 99, this relaypair knows up to \d+: [^.\n]+$/,
      ) as unknown,
    });
    const after = new DatabaseSync(path);
    expect(after.prepare('SELECT count(*) AS messages FROM message').get()).toEqual({ messages: 1 });
    after.close();
  });

  it('is refused in one sentence when the file is no spool', async () => {
    mkdirSync(join(folder, 'spool'));
    writeFileSync(
      path,
      'this is not a database, and long enough to be taken for a header of one, is it not?'.repeat(99),
    );
    await expect(EmbeddedSpool.open(spoolOptions(folder))).rejects.toMatchObject({ code: 'database-unreadable' });
  });

  it('keeps everything private to its owner', async () => {
    const spool = await EmbeddedSpool.open(spoolOptions(folder));
    await storeMessage(spool, Buffer.alloc(300_000));
    const modes = ['', 'spool.db', 'bodies'].map((name) => statSync(join(folder, 'spool', name)).mode & 0o777);
    expect(modes).toEqual([0o700, 0o600, 0o700]);
    await spool.close();
  });
});
