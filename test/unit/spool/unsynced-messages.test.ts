import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { GroupCommit } from '../../../src/spool/group-commit.ts';
import { SpoolDatabase } from '../../../src/spool/spool-database.ts';
import { SPOOL_MIGRATIONS } from '../../../src/spool/spool-format.ts';
import { UnsyncedMessages } from '../../../src/spool/unsynced-messages.ts';
import { WorkUnderWay } from '../../../src/spool/work-under-way.ts';
import { makeEnvelope } from '../../helpers/spool-fixtures.ts';
import { waitUntil } from '../../helpers/wait.ts';

const MESSAGE = {
  envelope: makeEnvelope(),
  traceFields: Buffer.alloc(0),
  body: { sizeBytes: 1, checksum: Buffer.alloc(32), content: Buffer.from('x'), fileName: undefined },
};

describe('a message that is not synced yet', () => {
  let connection: DatabaseSync;
  let database: SpoolDatabase;
  let messages: UnsyncedMessages;
  /** The sync that is under way. */
  let disk: PromiseWithResolvers<void> | undefined;
  const journal = { isDoubtful: false };
  let events: string[];

  beforeEach(() => {
    connection = new DatabaseSync(':memory:');
    for (const migration of SPOOL_MIGRATIONS) connection.exec(migration);
    database = new SpoolDatabase(connection);
    disk = undefined;
    journal.isDoubtful = false;
    events = [];
    messages = new UnsyncedMessages({
      database,
      journal,
      group: new GroupCommit({
        database: connection,
        sync: () => {
          disk = Promise.withResolvers();
          return disk.promise;
        },
      }),
      work: new WorkUnderWay(silentLog()),
      onArrival: (stored) => {
        database.waitFresh(stored);
        events.push('arrived');
      },
      onWithdrawal: () => events.push('withdrawn'),
    });
  });

  afterEach(() => connection.close());

  function note(what: string, promise: Promise<unknown>): Promise<unknown> {
    return promise.then(
      () => events.push(what),
      () => events.push(`no ${what}`),
    );
  }

  async function theSync(): Promise<PromiseWithResolvers<void>> {
    return waitUntil('a sync', () => disk);
  }

  it('has arrived while the disk works, and is certain when the disk is through', async () => {
    const stored = note('stored', messages.store(MESSAGE));
    const sync = await theSync();
    const [id = 0] = database.listDue({ limit: 2 });
    const certain = note('certain', messages.wait(id));
    expect(events).toEqual(['arrived']);
    sync.resolve();
    await Promise.all([stored, certain]);
    expect(events.toSorted()).toEqual(['arrived', 'certain', 'stored']);
    await expect(messages.wait(id)).resolves.toBeUndefined();
  });

  it('was never there when the disk fails: nobody finds it any more, and who waits for it hears so', async () => {
    const stored = note('stored', messages.store(MESSAGE));
    const sync = await theSync();
    const [id = 0] = database.listDue({ limit: 2 });
    const certain = note('certain', messages.wait(id));
    sync.reject(Object.assign(new Error('input/output error'), { code: 'EIO' }));
    await Promise.all([stored, certain]);
    expect(events.toSorted()).toEqual(['arrived', 'no certain', 'no stored', 'withdrawn']);
    expect([database.listDue({ limit: 2 }), database.sizeOf(id)]).toEqual([[], undefined]);
  });

  it('is not heard of before the disk is through where others came with it', async () => {
    const stored = [note('stored', messages.store(MESSAGE)), note('stored', messages.store(MESSAGE))];
    const sync = await theSync();
    expect(events).toEqual([]);
    sync.resolve();
    await Promise.all(stored);
    expect(events.toSorted()).toEqual(['arrived', 'arrived', 'stored', 'stored']);
  });

  it('is not heard of before the disk is through where the disk has failed before', async () => {
    journal.isDoubtful = true;
    const stored = note('stored', messages.store(MESSAGE));
    const sync = await theSync();
    expect(events).toEqual([]);
    sync.resolve();
    await stored;
    expect(events).toEqual(['arrived', 'stored']);
  });
});
