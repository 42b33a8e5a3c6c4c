import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HopQueue } from '../../../src/transport/hop-queue.ts';
import { readBody, storeMessage } from '../../helpers/spool-fixtures.ts';
import { waitUntil } from '../../helpers/wait.ts';
import { allOf, deferral, HOUR_MS, hopTo, MINUTE_MS, QueueBench, RETRY, withSettings } from './queue-bench.ts';

function queueOf(bench: QueueBench, key: string): HopQueue {
  const queue = bench.queue.queues().find(({ hop }) => hop.key === key);
  if (!queue) throw new Error(`there is no queue ${key}`);
  return queue;
}

/** A queue in retry with so many messages; returns their ids. */
async function inRetry(bench: QueueBench, count: number, domain = 'one.test'): Promise<number[]> {
  bench.scripts[domain] = { open: (hop) => deferral(hop) };
  const ids: number[] = [];
  for (let at = 0; at < count; at++) ids.push((await bench.store([`a${at}@${domain}`])).id);
  bench.queue.start();
  await waitUntil('the queue in retry', () => bench.states().includes(`${domain} Retry ${count}`));
  await bench.quiet();
  return ids;
}

/** One delivery that ends when `gate` is resolved, for a message to one.test. */
async function underDelivery(
  bench: QueueBench,
  status: 'delivered' | 'deferred',
): Promise<{ id: number; end: () => void }> {
  const gate = Promise.withResolvers<void>();
  bench.scripts['one.test'] = {
    deliver: async (parcel) => {
      await gate.promise;
      return allOf(parcel, status, status === 'delivered' ? '250 OK' : '451 4.3.0 later');
    },
  };
  const { id } = await bench.store(['a@one.test']);
  bench.queue.start();
  await waitUntil('the delivery', () => bench.loads[0] === 1);
  return { id, end: () => gate.resolve() };
}

describe('a suspended queue', () => {
  it('takes mail in and sends nothing, until it is resumed', async () => {
    await using bench = await QueueBench.open();
    await inRetry(bench, 1);
    bench.queue.administration.suspendQueue(queueOf(bench, 'one.test'));
    bench.scripts['one.test'] = {};
    await bench.store(['b@one.test']);
    await waitUntil('the second one', () => bench.states()[0] === 'one.test Suspended 2');
    for (let hour = 0; hour < 3; hour++) bench.clock.advance(HOUR_MS);
    expect([bench.opened.length, bench.queue.retryNow(() => true)]).toEqual([1, 0]);
    bench.queue.administration.resumeQueue(queueOf(bench, 'one.test'));
    await bench.emptied();
    expect(bench.delivered.toSorted()).toEqual(['a0@one.test', 'b@one.test']);
  });

  it('finishes what is under way and begins nothing after it', async () => {
    await using bench = await QueueBench.open(withSettings({ maxConnectionsPerHop: 1 }));
    const { end } = await underDelivery(bench, 'delivered');
    await bench.store(['b@one.test']);
    await waitUntil('the second one', () => bench.states()[0] === 'one.test Active 2');
    bench.queue.administration.suspendQueue(queueOf(bench, 'one.test'));
    end();
    await bench.attempted(1);
    expect([bench.delivered, bench.states()]).toEqual([['a@one.test'], ['one.test Suspended 1']]);
  });

  it('is suspended again after a restart, and stays visible when it is empty', async () => {
    const suspensions = new Set<string>();
    await using bench = await QueueBench.open({ suspensions });
    await bench.store(['a@one.test']);
    suspensions.add('one.test');
    bench.queue.start();
    await waitUntil('the message', () => bench.states()[0] === 'one.test Suspended 1');
    bench.clock.advance(RETRY.expiration);
    await waitUntil('its return', () => {
      bench.clock.advance(MINUTE_MS);
      return bench.expired.length === 1;
    });
    await waitUntil('an empty queue', () => bench.states().includes('one.test Suspended 0'));
    bench.clock.advance(HOUR_MS);
    expect(bench.states()).toContain('one.test Suspended 0');
    bench.queue.administration.resumeQueue(queueOf(bench, 'one.test'));
    expect([...suspensions]).toEqual([]);
    await waitUntil('a timer', () => queueOf(bench, 'one.test').idleSinceMs !== undefined);
    bench.clock.advance(3 * MINUTE_MS);
    expect(bench.states()).not.toContain('one.test Ready 0');
  });

  it('is left alone when the directory changes, and asks for the way when it is resumed', async () => {
    await using bench = await QueueBench.open();
    await inRetry(bench, 2);
    bench.queue.administration.suspendQueue(queueOf(bench, 'one.test'));
    bench.route = () => hopTo('two.test');
    bench.queue.resubmit();
    await bench.store(['c@one.test']);
    await waitUntil('the new one by the new way', () => bench.delivered.length === 1);
    expect(bench.states()).toContain('one.test Suspended 2');
    bench.queue.administration.resumeQueue(queueOf(bench, 'one.test'));
    await bench.emptied();
    expect(bench.opened.filter((key) => key === 'one.test')).toHaveLength(1);
  });
});

describe('a suspended message', () => {
  it('is held while the others go, does not expire, and goes when it is resumed', async () => {
    await using bench = await QueueBench.open();
    const [first = 0, second = 0, third = 0] = await inRetry(bench, 3);
    expect(await bench.queue.administration.suspend(new Set([first, second, 99]))).toEqual({ done: 2, pending: 0 });
    bench.scripts['one.test'] = {};
    bench.clock.advance(RETRY.outboundInterval);
    await waitUntil('the third one', () => bench.delivered.length === 1);
    expect(bench.delivered).toEqual(['a2@one.test']);
    await waitUntil('its end', async () => (await bench.spool.get(third)) === undefined);
    bench.clock.advance(RETRY.expiration);
    await bench.quiet();
    expect([bench.expired, bench.states()]).toEqual([[], ['one.test Ready 2']]);
    await bench.spool.settle(first, {});
    expect(await bench.queue.administration.resume(new Set([first]))).toEqual({ done: 1, pending: 0 });
    await waitUntil('its return', () => bench.expired.length === 1);
    expect((await bench.spool.get(second))?.suspended).toBe(true);
  });

  it('is delivered when it is resumed in time', async () => {
    await using bench = await QueueBench.open();
    const [first = 0] = await inRetry(bench, 1);
    await bench.queue.administration.suspend(new Set([first]));
    bench.scripts['one.test'] = {};
    bench.clock.advance(RETRY.outboundInterval);
    await bench.queue.administration.resume(new Set([first]));
    await bench.emptied();
    expect(bench.delivered).toEqual(['a0@one.test']);
  });

  it('that is under delivery is held when that has ended', async () => {
    await using bench = await QueueBench.open();
    const { id, end } = await underDelivery(bench, 'deferred');
    expect(await bench.queue.administration.suspend(new Set([id]))).toEqual({ done: 0, pending: 1 });
    end();
    await bench.attempted(1);
    bench.clock.advance(RETRY.outboundInterval);
    await bench.quiet();
    expect([bench.attempts.length, queueOf(bench, 'one.test').held.size]).toEqual([1, 1]);
  });

  it('is in its queue again after a restart, and is held there', async () => {
    await using bench = await QueueBench.open();
    const { id } = await bench.store(['a@one.test']);
    await bench.spool.settle(id, { suspended: true });
    bench.queue.start();
    await waitUntil('the message', () => bench.states()[0] === 'one.test Ready 1');
    await bench.quiet();
    expect(bench.opened).toEqual([]);
    await bench.queue.administration.resume(new Set([id]));
    await bench.emptied();
  });

  it('is held in every queue it is in', async () => {
    await using bench = await QueueBench.open();
    for (const key of ['one.test', 'two.test']) bench.scripts[key] = { open: (hop) => deferral(hop) };
    const { id } = await bench.store(['a@one.test', 'b@two.test']);
    bench.queue.start();
    await bench.attempted(2);
    await bench.queue.administration.suspend(new Set([id]));
    expect(bench.queue.queues().map(({ held }) => held.size)).toEqual([1, 1]);
    bench.scripts['one.test'] = {};
    bench.scripts['two.test'] = {};
    await bench.queue.administration.resume(new Set([id]));
    bench.clock.advance(RETRY.outboundInterval);
    await bench.emptied();
    expect(bench.delivered.toSorted()).toEqual(['a@one.test', 'b@two.test']);
  });
});

describe('a message that is removed', () => {
  it.each([
    ['with a report', 'by an administrator', ['sender@example.com']],
    ['without one', undefined, []],
  ])('leaves the queue that is named, %s', async (_, reason, reports) => {
    await using bench = await QueueBench.open();
    for (const key of ['one.test', 'two.test']) bench.scripts[key] = { open: (hop) => deferral(hop) };
    const { id } = await bench.store(['a@one.test', 'b@two.test']);
    bench.queue.start();
    await bench.attempted(2);
    const queue = queueOf(bench, 'one.test');
    const report = await bench.queue.administration.remove([{ id, queue }], { reason });
    expect(report).toEqual({ done: 1, pending: 0 });
    expect((await bench.spool.get(id))?.recipients.map(({ status }) => status)).toEqual(['failed', 'pending']);
    bench.scripts['two.test'] = {};
    bench.clock.advance(RETRY.outboundInterval);
    await bench.emptied();
    expect(bench.delivered.toSorted()).toEqual(['b@two.test', ...reports]);
  });

  it('may be a suspended one', async () => {
    await using bench = await QueueBench.open();
    const [id = 0] = await inRetry(bench, 1);
    await bench.queue.administration.suspend(new Set([id]));
    const queue = queueOf(bench, 'one.test');
    await bench.queue.administration.remove([{ id, queue }], { reason: undefined });
    await bench.emptied();
    expect(bench.delivered).toEqual([]);
  });

  it.each<['delivered' | 'deferred', number]>([
    ['delivered', 0],
    ['deferred', 1],
  ])('waits for the delivery under way, which ends as %s', async (status, reports) => {
    await using bench = await QueueBench.open();
    const { id, end } = await underDelivery(bench, status);
    const queue = queueOf(bench, 'one.test');
    const report = await bench.queue.administration.remove([{ id, queue }], { reason: 'by an administrator' });
    expect([report, (await bench.spool.get(id))?.id]).toEqual([{ done: 0, pending: 1 }, id]);
    end();
    await bench.emptied();
    expect(bench.delivered).toEqual(reports === 0 ? ['a@one.test'] : ['sender@example.com']);
  });

  it.each([
    ['by an administrator', ['sender@example.com']],
    [undefined, []],
  ])('may be damaged: its sender is told, for the reason %s', async (reason, told) => {
    await using bench = await QueueBench.open();
    const message = await storeMessage(bench.spool, randomBytes(300 * 1024));
    const bodies = join(bench.folder, 'spool', 'bodies');
    writeFileSync(join(bodies, readdirSync(bodies)[0] ?? ''), 'x', { flag: 'a' });
    await expect(readBody(bench.spool, message)).rejects.toMatchObject({ code: 'spool-damaged' });
    bench.queue.start();
    const meant = [{ id: message.id, queue: undefined }];
    expect((await bench.queue.administration.remove(meant, { reason })).done).toBe(1);
    await bench.emptied();
    await waitUntil('an empty folder', () => readdirSync(bodies).length === 0);
    expect([bench.delivered, await bench.spool.listDamaged()]).toEqual([told, []]);
  });

  it('may be in no queue yet', async () => {
    await using bench = await QueueBench.open();
    const { id } = await bench.store(['a@one.test']);
    const remove = () => bench.queue.administration.remove([{ id, queue: undefined }], { reason: undefined });
    expect([await remove(), await remove()]).toEqual([
      { done: 1, pending: 0 },
      { done: 0, pending: 0 },
    ]);
    expect((await bench.spool.count()).messages).toBe(0);
  });
});
