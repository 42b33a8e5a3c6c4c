import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpoolDatabase } from '../../../src/spool/spool-database.ts';
import { SPOOL_MIGRATIONS } from '../../../src/spool/spool-format.ts';
import { makeEnvelope } from '../../helpers/spool-fixtures.ts';

describe('what waits for a claim', () => {
  let connection: DatabaseSync;
  let database: SpoolDatabase;

  beforeEach(() => {
    connection = new DatabaseSync(':memory:');
    for (const migration of SPOOL_MIGRATIONS) connection.exec(migration);
    database = new SpoolDatabase(connection);
  });

  afterEach(() => {
    connection.close();
  });

  /** Stores a message that came at this second, and lets it wait. */
  function store(second: number): number {
    const content = Buffer.from('Subject: x\r\n\r\n');
    const message = database.insert({
      envelope: makeEnvelope({ receivedAt: new Date(second * 1000) }),
      traceFields: Buffer.alloc(0),
      body: { sizeBytes: content.length, checksum: Buffer.alloc(32), content, fileName: undefined },
    });
    database.waitFresh(message);
    return message.id;
  }

  it('comes in the order of arrival, whether all of it has just come or some has waited', () => {
    const [late, early] = [store(20), store(10)];
    expect(database.listDue({ limit: 5 })).toEqual([early, late]);
    const first = store(5);
    expect(database.listDue({ limit: 2 })).toEqual([first, early]);
    const last = store(30);
    expect(database.listDue({ limit: 5 })).toEqual([first, early, late, last]);
    expect(database.listDue({ limit: 5, dueBefore: new Date(10_000) })).toEqual([first, early]);
    expect(database.listHeads({ limit: 1, latestFirst: true }).map(({ id }) => id)).toEqual([last]);
  });

  it('is what has not been claimed', () => {
    const [first, second] = [store(1), store(2)];
    database.unwait(first);
    expect(database.listDue({ limit: 5 })).toEqual([second]);
    database.layDownFresh();
    database.unwait(second);
    expect(database.listDue({ limit: 5 })).toEqual([]);
  });

  it('waits on when its removal is taken back', () => {
    const id = store(1);
    database.layDownFresh();
    connection.exec('BEGIN');
    database.remove(id);
    expect(database.listDue({ limit: 5 })).toEqual([]);
    connection.exec('ROLLBACK');
    expect(database.listDue({ limit: 5 })).toEqual([id]);
  });
});
