import { expect, it } from 'vitest';
import type { Spool } from '../../../src/spool/spool.ts';
import { waitUntil } from '../../helpers/wait.ts';
import { allOf, deferral, HOUR_MS, QueueBench } from './queue-bench.ts';

/** Whatever nobody holds. */
async function freeIds(bench: QueueBench): Promise<number[]> {
  const heads = await bench.spool.claimHeads({ owner: 'heir', limit: 1000, leaseMs: HOUR_MS, withSuspended: true });
  const ids = heads.map(({ id }) => id);
  await bench.spool.release(ids, 'heir');
  return ids;
}

it('finishes what is under way, gives back what waits, suspended messages too, and claims no more until it comes back', async () => {
  await using bench = await QueueBench.open();
  const gate = Promise.withResolvers<void>();
  let isUnderWay = false;
  bench.scripts['slow.test'] = {
    deliver: async (parcel) => {
      isUnderWay = true;
      await gate.promise;
      return allOf(parcel, 'delivered', '250 2.0.0 ok');
    },
  };
  bench.scripts['dead.test'] = { open: (hop) => deferral(hop) };
  const waiting = await bench.store(['a@dead.test']);
  const held = await bench.store(['b@dead.test']);
  // In two queues: while one of them works on it nobody else may have it.
  const shared = await bench.store(['c@slow.test', 'c@dead.test']);
  bench.queue.start();
  await waitUntil('a delivery', () => isUnderWay && bench.queue.queues().some(({ failures }) => failures > 0));
  await bench.queue.administration.suspend(new Set([held.id]));
  let isDone = false;
  const aside = bench.queue.standAside().then(() => (isDone = true));
  await waitUntil('what waits to be free', async () => (await freeIds(bench)).length === 2);
  expect((await freeIds(bench)).toSorted((a, b) => a - b)).toEqual([waiting.id, held.id]);
  expect(isDone).toBe(false);
  gate.resolve();
  await aside;
  expect((await freeIds(bench)).toSorted((a, b) => a - b)).toEqual([waiting.id, held.id, shared.id]);
  expect(bench.delivered.filter((address) => address === 'c@slow.test')).toHaveLength(1);
  expect(bench.queue.queues().every(({ messageCount }) => messageCount === 0)).toBe(true);
  const late = await bench.store(['d@good.test']);
  expect(await freeIds(bench)).toContain(late.id);
  bench.queue.comeBack();
  await waitUntil('the late one to leave', () => bench.delivered.includes('d@good.test'));
  expect(await freeIds(bench)).toEqual([]);
  expect(bench.delivered.filter((address) => address === 'c@slow.test')).toHaveLength(1);
});

it('may be told to stand aside and to come back faster than it can', async () => {
  await using bench = await QueueBench.open();
  bench.queue.start();
  for (let round = 0; round < 20; round++) {
    void bench.queue.standAside();
    await bench.store([`a${round}@one.test`]);
    bench.queue.comeBack();
  }
  await bench.emptied();
  expect(new Set(bench.delivered).size).toBe(20);
  expect(bench.delivered).toHaveLength(20);
});

it('leaves nothing behind of what was just about to be returned to its sender', async () => {
  await using bench = await QueueBench.open();
  const gate = Promise.withResolvers<void>();
  let isGated = false;
  let settling = 0;
  const gated = new Proxy(bench.spool, {
    get: (spool, name) => {
      const value: unknown = Reflect.get(spool, name, spool);
      if (typeof value !== 'function') return value;
      if (name !== 'settle' || !isGated) return value.bind(spool) as unknown;
      return async (...parameters: Parameters<Spool['settle']>) => {
        settling++;
        await gate.promise;
        return spool.settle(...parameters);
      };
    },
  });
  bench.queue = bench.makeQueue({ spool: gated });
  bench.scripts['dead.test'] = { open: (hop) => deferral(hop) };
  const release = Promise.withResolvers<void>();
  let isUnderWay = false;
  bench.scripts['slow.test'] = {
    deliver: async (parcel) => {
      isUnderWay = true;
      await release.promise;
      return allOf(parcel, 'delivered', '250 2.0.0 ok');
    },
  };
  for (let number = 0; number < 12; number++) await bench.store([`a${number}@dead.test`]);
  bench.queue.start();
  await waitUntil('the hop to fail', () => bench.queue.queues().some(({ failures }) => failures > 0));
  isGated = true;
  bench.clock.advance(49 * HOUR_MS);
  await waitUntil('the first of them to be returned', () => {
    bench.clock.advance(1000);
    return settling >= 8;
  });
  // It holds the handing over up, so that the queue comes back before that is whole.
  await bench.store(['b@slow.test']);
  await waitUntil('a delivery', () => isUnderWay);
  void bench.queue.standAside();
  gate.resolve();
  await waitUntil('the others to be left', () => bench.expired.length >= 8 && bench.expired.length < 12);
  bench.queue.comeBack();
  await waitUntil('all of them to be returned', () => {
    bench.clock.advance(1000);
    return bench.expired.length === 12;
  });
  release.resolve();
  await bench.emptied();
});
