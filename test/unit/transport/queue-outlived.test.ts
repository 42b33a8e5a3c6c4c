import { expect, it } from 'vitest';
import type { ClaimOptions, Spool } from '../../../src/spool/spool.ts';
import { waitUntil } from '../../helpers/wait.ts';
import { allOf, deferral, QueueBench } from './queue-bench.ts';

/** A spool whose claims can be lost: what is lost is there to be claimed again at once. */
function losing(spool: Spool) {
  let owner = '';
  let tell = (_ids: readonly number[]): void => undefined;
  const wrapped = new Proxy(spool, {
    get: (target, name) => {
      if (name === 'onLoss') return (listener: typeof tell) => ((tell = listener), () => undefined);
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'claim') return value.bind(target) as unknown;
      return (options: ClaimOptions) => {
        owner = options.owner;
        return target.claim(options);
      };
    },
  });
  const lose = async (ids: readonly number[]): Promise<void> => {
    tell(ids);
    await spool.release(ids, owner);
  };
  return { wrapped, lose };
}

it('begins nothing a second time that is under way, though it was lost and claimed again; the rest of it goes on', async () => {
  await using bench = await QueueBench.open();
  const { wrapped, lose } = losing(bench.spool);
  bench.queue = bench.makeQueue({ spool: wrapped });
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let begun = 0;
  bench.scripts['slow.test'] = {
    deliver: async (parcel) => {
      await gates[begun++]?.promise;
      return allOf(parcel, begun === 1 ? 'deferred' : 'delivered', '450 4.0.0 not yet');
    },
  };
  let isDead = true;
  bench.scripts['dead.test'] = {
    open: (hop) => (isDead ? deferral(hop) : { kind: 'ready', connection: bench.connectionTo(hop) }),
  };
  const { id } = await bench.store(['a@slow.test', 'b@dead.test']);
  bench.queue.start();
  await waitUntil('a delivery', () => begun === 1 && bench.queue.queues().some(({ failures }) => failures > 0));
  await lose([id]);
  await waitUntil('it to wait again', () => bench.queue.queues().some(({ waiting }) => waiting.length === 1));
  expect(bench.queue.queues().map(({ messageCount }) => messageCount)).toEqual([1, 1]);
  expect(begun).toBe(1);
  // Its own end says how it goes on: it is tried again, and lost again.
  gates[0]?.resolve();
  isDead = false;
  await waitUntil('the second attempt', () => {
    bench.clock.advance(60_000);
    return begun === 2 && bench.delivered.includes('b@dead.test');
  });
  await lose([id]);
  gates[1]?.resolve();
  await bench.emptied();
  expect(begun).toBe(2);
  expect(bench.delivered.toSorted()).toEqual(['a@slow.test', 'b@dead.test']);
});
