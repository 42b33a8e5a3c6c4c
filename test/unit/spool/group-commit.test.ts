import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GroupCommit } from '../../../src/spool/group-commit.ts';

describe('a group of writes', () => {
  let database: DatabaseSync;
  let group: GroupCommit;
  let isFailing: boolean;
  let syncs: number;
  let quiets: number;

  /** Takes a turn of the event loop, as a disk does. */
  async function sync(): Promise<void> {
    syncs += 1;
    await nextTurn();
    if (isFailing) throw Object.assign(new Error('input/output error'), { code: 'EIO' });
  }

  beforeEach(() => {
    database = new DatabaseSync(':memory:');
    database.exec('CREATE TABLE entry (name TEXT UNIQUE, serial INTEGER)');
    isFailing = false;
    syncs = 0;
    quiets = 0;
    group = new GroupCommit({ database, sync, onQuiet: () => (quiets += 1) });
  });

  afterEach(() => {
    database.close();
  });

  function write(name: string, serials: number[] = [], isPatient = false): Promise<string> {
    return group.run({
      isPatient: () => isPatient,
      write: () => {
        serials.push(Number(database.prepare('SELECT count(*) AS n FROM entry').get()?.['n']));
        database.prepare('INSERT INTO entry VALUES (?, 0)').run(name);
        return name;
      },
      undo: () => void database.prepare('DELETE FROM entry WHERE name = ?').run(name),
    });
  }

  async function expectWrittenInThisTurn(name: string): Promise<void> {
    const serials: number[] = [];
    const written = write(name, serials);
    await nextTurn();
    expect(serials).toEqual([0]);
    await written;
  }

  function names(): unknown[] {
    return database
      .prepare('SELECT name FROM entry ORDER BY name')
      .all()
      .map((row) => row['name']);
  }

  it('of one turn is written in order in one transaction, and each gets its own result', async () => {
    const serials: number[] = [];
    const begun = Promise.all([write('a', serials), write('b', serials), write('c', serials)]);
    expect(serials).toEqual([]);
    expect(await begun).toEqual(['a', 'b', 'c']);
    expect(serials).toEqual([0, 1, 2]);
    expect(database.isTransaction).toBe(false);
  });

  it('of one alone is written in the same turn of the event loop', async () => {
    await expectWrittenInThisTurn('a');
  });

  it('loses only the member that fails', async () => {
    const settled = await Promise.allSettled([write('a'), write('a'), write('b')]);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(names()).toEqual(['a', 'b']);
  });

  it('leaves nothing of a member that throws half way', async () => {
    const half = group.run({
      write: () => {
        database.prepare('INSERT INTO entry VALUES (?, 0)').run('half');
        throw new TypeError('a bug');
      },
    });
    await expect(half).rejects.toThrow('a bug');
    expect(await write('whole')).toBe('whole');
    expect(names()).toEqual(['whole']);
  });

  it('that could not be synced is refused and taken back, and what has no way back stays', async () => {
    isFailing = true;
    const stays = group.run({ write: () => database.prepare("INSERT INTO entry VALUES ('stays', 0)").run() });
    const settled = await Promise.allSettled([write('a'), stays]);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(stays).rejects.toMatchObject({ code: 'spool-unavailable' });
    expect(names()).toEqual(['stays']);
    isFailing = false;
    expect(await write('a')).toBe('a');
  });

  it('is tried once more when the disk was full and room could be made, and is refused when it could not', async () => {
    const pages = (limit: number) => database.exec(`PRAGMA max_page_count = ${limit}`);
    let asked = 0;
    const cramped = new GroupCommit({
      database,
      sync,
      onFull: () => {
        asked += 1;
        if (asked === 1) pages(100);
      },
    });
    const store = (sizeBytes: number) =>
      cramped.run({
        write: () => void database.prepare('INSERT INTO entry VALUES (?, 0)').run('x'.repeat(sizeBytes)),
      });
    pages(1);
    await store(100_000);
    expect([names().length, asked]).toEqual([1, 1]);
    await expect(store(1_000_000)).rejects.toMatchObject({ code: 'spool-unavailable' });
    expect([names().length, asked]).toEqual([1, 2]);
    const several = await Promise.allSettled([store(1_000_000), store(1000), store(1_000_000)]);
    expect(several.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
    expect([names().length, asked]).toEqual([2, 3]);
  });

  it('takes in what comes while the one before is synced', async () => {
    const serials: number[] = [];
    const first = write('a', serials);
    await nextTurn();
    const rest = [write('b', serials), write('c', serials)];
    expect(serials).toEqual([0]);
    await Promise.all([first, ...rest]);
    expect(serials).toEqual([0, 1, 2]);
  });

  describe('in a rush', () => {
    let channel: MessageChannel;

    /** Something comes in with each round of the event loop. */
    beforeEach(() => {
      channel = new MessageChannel();
      channel.port1.on('message', () => channel.port2.postMessage(''));
      channel.port2.on('message', () => channel.port1.postMessage(''));
      channel.port1.postMessage('');
    });

    afterEach(() => {
      channel.port1.close();
    });

    it('waits for what the next rounds bring', async () => {
      const first = write('a');
      await nextTurn();
      const second = write('b');
      await first;
      for (let round = 0; round < 5; round += 1) await nextTurn();
      await Promise.all([second, write('c')]);
      expect([names(), syncs]).toEqual([['a', 'b', 'c'], 2]);
    });

    it('does not wait for ever', async () => {
      const first = write('a');
      await nextTurn();
      expect(await Promise.all([first, write('b')])).toEqual(['a', 'b']);
      expect(syncs).toBe(2);
    });

    it('holds up nobody who comes alone, long after another', async () => {
      await expectWrittenInThisTurn('a');
    });
  });

  it('writes what is patient at once, and syncs it with what comes next', async () => {
    const patient = write('a', [], true);
    await nextTurn();
    await nextTurn();
    expect([names(), syncs, quiets]).toEqual([['a'], 0, 1]);
    expect(await Promise.all([write('b'), patient])).toEqual(['b', 'a']);
    expect(syncs).toBe(1);
  });

  it('syncs two that are patient at once, and one alone in the end', async () => {
    await Promise.all([write('a', [], true), write('b', [], true)]);
    expect([syncs, quiets]).toEqual([1, 0]);
    expect(await write('c', [], true)).toBe('c');
    expect([syncs, quiets]).toEqual([2, 1]);
  });

  it('does not keep what is patient waiting when it closes, and refuses it when it cannot be synced', async () => {
    isFailing = true;
    const patient = write('a', [], true);
    await nextTurn();
    await nextTurn();
    const closed = group.close();
    await expect(patient).rejects.toMatchObject({ code: 'spool-unavailable' });
    await closed;
    expect(names()).toEqual([]);
  });

  it('is cut by size, so that others get their turn', async () => {
    const order: string[] = [];
    const big = (name: string) => group.run({ write: () => void order.push(name), sizeBytes: 1024 * 1024 });
    const all = [big('a'), big('b'), big('c'), big('d')];
    setImmediate(() => order.push('others'));
    await Promise.all(all);
    expect(order).toEqual(['a', 'b', 'others', 'c', 'd']);
  });

  it('that waits is written when the group closes, which then takes nothing more', async () => {
    const waiting = write('a');
    await group.close();
    expect(names()).toEqual(['a']);
    expect(await waiting).toBe('a');
    await expect(write('b')).rejects.toMatchObject({ code: 'spool-closed' });
  });
});
