// The PostgreSQL that other tests are built on does what they believe: it keeps what it acknowledged through a kill, and a
// standby has what its primary acknowledged.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasPostgres, type RunningPostgres, startPostgres, startStandby } from '../helpers/postgres.ts';

describe.skipIf(!hasPostgres())('PostgreSQL of the tests', () => {
  let primary: RunningPostgres;

  beforeAll(async () => {
    primary = await startPostgres();
  });
  afterAll(() => primary.stop());

  it('keeps through a kill of all its processes what it acknowledged', async () => {
    await primary.query('CREATE TABLE kept (n int)');
    await primary.query('INSERT INTO kept VALUES (1)');
    await primary.kill();
    await expect(primary.query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await primary.resume();
    expect((await primary.query('SELECT n FROM kept')).rows).toEqual([{ n: 1 }]);
  });

  it('has a synchronous standby that becomes the primary', async () => {
    const standby = await startStandby(primary);
    try {
      await primary.query('INSERT INTO kept VALUES (2)');
      await primary.kill();
      await standby.promote();
      await standby.query('INSERT INTO kept VALUES (3)');
      expect((await standby.query('SELECT n FROM kept ORDER BY n')).rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    } finally {
      await standby.stop();
    }
  });
});
