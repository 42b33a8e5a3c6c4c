import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../../../src/problem.ts';
import type { Spool } from '../../../src/spool/spool.ts';
import type { OpenedHop, RecipientOutcome } from '../../../src/transport/hop.ts';
import { waitUntil } from '../../helpers/wait.ts';
import {
  allOf,
  deferral,
  HOUR_MS,
  hopTo,
  MINUTE_MS,
  QueueBench,
  RETRY,
  type Script,
  withMaxMessages,
  withSettings,
} from './queue-bench.ts';

/** The spool with some of its ways changed. */
function changed(spool: Spool, changes: Partial<Spool>): Spool {
  return new Proxy(spool, {
    get: (target, name) => {
      const own: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name);
      return typeof own === 'function' ? own.bind(target) : own;
    },
  });
}

describe('MailQueue', () => {
  it('hands every recipient to its hop once and empties the spool', async () => {
    await using bench = await QueueBench.open();
    const waiting = Array.from({ length: 30 }, (_, at) =>
      bench.store([`a${at}@one.test`, `b${at}@two.test`, `c${at}@one.test`]),
    );
    await Promise.all(waiting);
    bench.queue.start();
    await Promise.all(Array.from({ length: 30 }, (_, at) => bench.store([`d${at}@two.test`])));
    await bench.emptied();
    expect(bench.delivered).toHaveLength(120);
    expect(new Set(bench.delivered).size).toBe(120);
  });

  it('hands on at once what has just come, whatever fraction of a millisecond it is, over a connection that is idle too', async () => {
    await using bench = await QueueBench.open();
    bench.queue.start();
    for (const wanted of [1, 2]) {
      bench.clock.advance(0.4);
      await bench.store([`a${wanted}@one.test`]);
      // The clock stands still.
      await waitUntil('the delivery', () => bench.delivered.length === wanted);
    }
    expect(bench.opened).toEqual(['one.test']);
  });

  it('keeps mail whose sender demands something of the way in a queue of its own, whether it was there at the start or comes later', async () => {
    await using bench = await QueueBench.open();
    const demands: (string | undefined)[] = [];
    const script: Script = {
      open: (hop) => {
        demands.push(hop.demand);
        return hop.demand === undefined ? { kind: 'ready', connection: bench.connectionTo(hop) } : deferral(hop);
      },
    };
    for (const suffix of ['', ' requiretls', ' requiretls-report', ' tls-optional'])
      bench.scripts[`one.test${suffix}`] = script;
    await bench.store(['plain@one.test']);
    await bench.store(['tls@one.test'], { requireTls: true, tlsOptional: true });
    await bench.store(['report@one.test'], { requireTls: true, reversePath: '' });
    bench.queue.start();
    await bench.store(['any@one.test'], { tlsOptional: true });
    await waitUntil('four attempts', () => demands.length === 4);
    expect(new Set(demands)).toEqual(new Set([undefined, 'requiretls', 'requiretls-report', 'tls-optional']));
    await waitUntil('the delivery', () => bench.delivered.length === 1);
    expect(bench.delivered).toEqual(['plain@one.test']);
    const waiting = () => bench.queue.queues().filter(({ messageCount }) => messageCount > 0);
    expect(new Set(waiting().map(({ hop }) => hop.demand))).toEqual(
      new Set(['requiretls', 'requiretls-report', 'tls-optional']),
    );
  });

  it.each<[string, (bench: QueueBench, calls: { count: number }) => void]>([
    [
      'opening the hop throws',
      (bench, calls) => {
        bench.scripts['one.test'] = {
          open: (hop) => {
            if (calls.count++ === 0) throw new Error('a bug');
            return { kind: 'ready', connection: bench.connectionTo(hop) };
          },
        };
      },
    ],
    [
      'the delivery throws',
      (bench, calls) => {
        bench.scripts['one.test'] = {
          deliver: (parcel) => {
            if (calls.count++ === 0) throw new Error('a bug');
            return allOf(parcel, 'delivered', '250 OK');
          },
        };
      },
    ],
    [
      'the result cannot be recorded',
      (bench, calls) => {
        const { spool } = bench;
        const failing: Spool['settle'] = (...parameters) => {
          if (calls.count++ === 0) throw new Error('a bug');
          return spool.settle(...parameters);
        };
        bench.queue = bench.makeQueue({ spool: changed(spool, { settle: failing }) });
      },
    ],
  ])('does not lose a message when %s', async (_, prepare) => {
    await using bench = await QueueBench.open();
    const calls = { count: 0 };
    prepare(bench, calls);
    await bench.store(['a@one.test']);
    bench.queue.start();
    await waitUntil('the fault', () => calls.count > 0);
    await bench.quiet();
    expect(bench.queue.queues().map(({ messageCount }) => messageCount)).toEqual([1]);
    bench.clock.advance(MINUTE_MS);
    await bench.emptied();
    expect(bench.delivered.at(-1)).toBe('a@one.test');
  });

  it('hands over one message more over a connection while the result of the one before is written, and not a third', async () => {
    await using bench = await QueueBench.open(withSettings({ maxConnectionsPerHop: 1 }));
    const written = Promise.withResolvers<void>();
    const settle: Spool['settle'] = async (...parameters) => {
      await written.promise;
      return bench.spool.settle(...parameters);
    };
    bench.queue = bench.makeQueue({ spool: changed(bench.spool, { settle }) });
    for (const name of ['a', 'b', 'c']) await bench.store([`${name}@one.test`]);
    bench.queue.start();
    await waitUntil('two messages handed over', () => bench.delivered.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(bench.delivered).toEqual(['a@one.test', 'b@one.test']);
    expect(bench.queue.queues().map(({ messageCount }) => messageCount)).toEqual([3]);
    written.resolve();
    await bench.emptied();
    expect(bench.delivered).toEqual(['a@one.test', 'b@one.test', 'c@one.test']);
    expect(bench.opened).toEqual(['one.test']);
  });

  it('does not keep a connection, nor the message that needs the next one, until its last message is written down', async () => {
    await using bench = await QueueBench.open({ ...withSettings({ maxConnectionsPerHop: 2 }), ...withMaxMessages(1) });
    const written = Promise.withResolvers<void>();
    const settle: Spool['settle'] = async (...parameters) => {
      await written.promise;
      return bench.spool.settle(...parameters);
    };
    bench.queue = bench.makeQueue({ spool: changed(bench.spool, { settle }) });
    bench.queue.start();
    for (const name of ['a', 'b']) {
      await bench.store([`${name}@one.test`]);
      await waitUntil(`${name} handed over`, () => bench.delivered.includes(`${name}@one.test`));
      await waitUntil('the connection is closed', () => bench.queue.queues()[0]?.connections === 0);
    }
    // No more of them: each would be delivered a second time after a crash.
    await bench.store(['c@one.test']);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([bench.delivered, bench.closed.length]).toEqual([['a@one.test', 'b@one.test'], 2]);
    written.resolve();
    await bench.emptied();
    expect([bench.delivered.length, bench.loads]).toEqual([3, [1, 1, 1]]);
  });

  it('makes a busy connection anew after its message when the directory has changed, and not before', async () => {
    await using bench = await QueueBench.open(withSettings({ maxConnectionsPerHop: 1 }));
    bench.scripts['one.test'] = {
      deliver: (parcel) => {
        if (bench.delivered.length === 1) bench.queue.resubmit();
        return allOf(parcel, 'delivered', '250 OK');
      },
    };
    for (const name of ['a', 'b', 'c', 'd']) await bench.store([`${name}@one.test`]);
    bench.queue.start();
    await bench.emptied();
    expect(bench.delivered).toEqual(['a@one.test', 'b@one.test', 'c@one.test', 'd@one.test']);
    expect(bench.loads).toEqual([2, 2]);
  });

  it('records a delivery that the disk did not take, and does not deliver again', async () => {
    await using bench = await QueueBench.open();
    let refusals = 0;
    const spool = changed(bench.spool, {
      settle: (...parameters) => {
        if (refusals++ === 0) throw new Problem('spool-unavailable', 'the disk is full');
        return bench.spool.settle(...parameters);
      },
    });
    bench.queue = bench.makeQueue({ spool });
    await bench.store(['a@one.test']);
    bench.queue.start();
    await bench.emptied();
    expect([refusals, bench.delivered]).toEqual([2, ['a@one.test']]);
  });

  it('does not wait for a disk that takes no deferral: the message is delivered when its hop can again', async () => {
    let isAway = true;
    await using bench = await QueueBench.open();
    bench.scripts['one.test'] = {
      open: (hop) => (isAway ? deferral(hop) : { kind: 'ready', connection: bench.connectionTo(hop) }),
    };
    let refusals = 0;
    const spool = changed(bench.spool, {
      settle: (...parameters) => {
        if (!isAway) return bench.spool.settle(...parameters);
        refusals++;
        throw new Problem('spool-unavailable', 'the disk is full');
      },
    });
    bench.queue = bench.makeQueue({ spool });
    await bench.store(['a@one.test']);
    bench.queue.start();
    await waitUntil('a refusal', () => refusals > 0);
    await waitUntil('the message waits', () => bench.queue.queues().every(({ connections }) => connections === 0));
    isAway = false;
    bench.clock.advance(HOUR_MS);
    await bench.emptied();
    expect(bench.delivered).toEqual(['a@one.test']);
  });

  it('stops although the disk takes nothing, and the message is still there', async () => {
    await using bench = await QueueBench.open();
    let refusals = 0;
    const spool = changed(bench.spool, {
      settle: () => {
        refusals++;
        throw new Problem('spool-unavailable', 'the disk is full');
      },
    });
    bench.queue = bench.makeQueue({ spool });
    await bench.store(['a@one.test']);
    bench.queue.start();
    await waitUntil('a refusal', () => refusals > 0);
    await bench.queue.stop(1);
    const before = refusals;
    expect((await bench.spool.count()).messages).toBe(1);
    expect(bench.queue.queues().every(({ connections }) => connections === 0)).toBe(true);
    expect(refusals).toBe(before);
  });

  it('tries a deferred recipient again after the interval, and the others not', async () => {
    await using bench = await QueueBench.open();
    let isRecovered = false;
    bench.scripts['one.test'] = {
      deliver: ({ message, indexes }) =>
        indexes.map((index): RecipientOutcome => {
          const isBusy = message.recipients[index]?.address.startsWith('busy') === true && !isRecovered;
          return isBusy
            ? { index, status: 'deferred', reply: '452 4.2.2 full' }
            : { index, status: 'delivered', reply: '250 OK' };
        }),
    };
    const { id } = await bench.store(['a@one.test', 'busy@one.test', 'b@one.test']);
    bench.queue.start();
    await bench.attempted(1);
    expect(bench.delivered).toEqual(['a@one.test', 'b@one.test']);
    expect(bench.states()).toEqual(['one.test Ready 1']);
    expect((await bench.spool.get(id))?.recipients.map(({ status }) => status)).toEqual([
      'delivered',
      'pending',
      'delivered',
    ]);
    isRecovered = true;
    bench.clock.advance(MINUTE_MS - 1);
    expect(bench.opened).toHaveLength(1);
    bench.clock.advance(1);
    await bench.emptied();
    expect(bench.delivered).toEqual(['a@one.test', 'b@one.test', 'busy@one.test']);
  });

  it('waits as Exchange does while a hop fails, with one probe each time, and starts over when it answers', async () => {
    await using bench = await QueueBench.open();
    let isUp = false;
    bench.scripts['one.test'] = {
      open: (hop) => (isUp ? { kind: 'ready', connection: bench.connectionTo(hop) } : deferral(hop)),
    };
    await Promise.all(Array.from({ length: 10 }, (_, at) => bench.store([`a${at}@one.test`])));
    bench.queue.start();
    await waitUntil('the queue in retry', () => bench.states()[0] === 'one.test Retry 10');
    await bench.quiet();
    const atStart = bench.opened.length;
    for (const [at, wait] of [1, 1, 5, 5, 30, 30].entries()) {
      bench.clock.advance(wait * MINUTE_MS - 1);
      expect(bench.opened.length).toBe(atStart + at);
      bench.clock.advance(1);
      await waitUntil('the probe', () => bench.opened.length > atStart + at);
      await bench.quiet();
    }
    expect(bench.opened.length).toBe(atStart + 6);
    expect(bench.states()).toEqual(['one.test Retry 10']);
    expect(bench.queue.queues()[0]).toMatchObject({ failures: 7, lastError: '421 4.4.1 no' });
    isUp = true;
    bench.clock.advance(30 * MINUTE_MS);
    await bench.emptied();
    expect(bench.queue.queues()[0]).toMatchObject({ failures: 0, lastError: undefined, nextRetryTime: undefined });
    expect(bench.delivered).toHaveLength(10);
  });

  it('counts connections that fail together as one failure', async () => {
    await using bench = await QueueBench.open();
    const gates: ((opened: OpenedHop) => void)[] = [];
    bench.scripts['one.test'] = { open: () => new Promise((resolve) => void gates.push(resolve)) };
    await Promise.all(Array.from({ length: 9 }, (_, at) => bench.store([`a${at}@one.test`])));
    bench.queue.start();
    await waitUntil('three attempts', () => gates.length === 3);
    for (const open of gates) open(deferral(hopTo('one.test')));
    await bench.attempted(3);
    expect(bench.queue.queues()[0]).toMatchObject({ failures: 1, retryAtMs: MINUTE_MS });
  });

  it('goes on over the connections it has when the hop takes no more of them', async () => {
    await using bench = await QueueBench.open(withMaxMessages(4));
    let open = 0;
    let worst = 0;
    bench.scripts['one.test'] = {
      open: (hop) => {
        if (open > 0) return deferral(hop, '421 4.3.2 too many connections');
        open++;
        worst = Math.max(worst, open);
        const connection = bench.connectionTo(hop);
        return {
          kind: 'ready',
          connection: {
            ...connection,
            alive: true,
            close: () => {
              open--;
              return Promise.resolve();
            },
          },
        };
      },
    };
    await Promise.all(Array.from({ length: 12 }, (_, at) => bench.store([`a${at}@one.test`])));
    bench.queue.start();
    await waitUntil('most of them', () => bench.delivered.length >= 10);
    await bench.quiet();
    expect(bench.queue.queues()[0]).toMatchObject({ failures: 0, retryAtMs: undefined });
    bench.clock.advance(MINUTE_MS);
    await bench.emptied();
    expect([worst, new Set(bench.delivered).size]).toEqual([1, 12]);
  });

  it('returns a message within a minute of its expiry although its hop is not tried for half an hour', async () => {
    await using bench = await QueueBench.open();
    bench.scripts['one.test'] = { open: (hop) => deferral(hop, '421 4.4.1 dead') };
    bench.queue.start();
    const start = bench.clock.now().getTime();
    await bench.store(['a@one.test'], { expiresAt: new Date(start + 5 * HOUR_MS) });
    await bench.store(['b@one.test'], { expiresAt: new Date(start + 5 * HOUR_MS) });
    await bench.attempted(1);
    for (let minute = 0; minute < 300; minute++) {
      bench.clock.advance(MINUTE_MS);
      await bench.quiet();
    }
    bench.clock.advance(MINUTE_MS);
    // Of each the notice after four hours and the return after five.
    await waitUntil('both reports on both', () => bench.delivered.length === 4);
    expect(bench.expired).toHaveLength(2);
    expect(new Set(bench.delivered)).toEqual(new Set(['sender@example.com']));
    await bench.emptied();
  });

  it('returns a message that expired while the server was down', async () => {
    await using bench = await QueueBench.open();
    await bench.store(['a@one.test'], { expiresAt: new Date(bench.clock.now().getTime() + 1000) });
    bench.clock.advance(HOUR_MS);
    bench.queue.start();
    await bench.emptied();
    expect([bench.expired.length, bench.delivered]).toEqual([1, ['sender@example.com']]);
  });

  it('does not let a slow hop hold up another one', async () => {
    await using bench = await QueueBench.open();
    const gate = Promise.withResolvers<void>();
    bench.scripts['slow.test'] = {
      deliver: async (parcel) => {
        await gate.promise;
        return allOf(parcel, 'delivered', '250 OK');
      },
    };
    for (let at = 0; at < 5; at++) await bench.store([`s${at}@slow.test`, `f${at}@fast.test`]);
    bench.queue.start();
    await waitUntil('the fast ones', () => bench.delivered.length === 5);
    expect(bench.delivered.every((address) => address.endsWith('@fast.test'))).toBe(true);
    gate.resolve();
    await bench.emptied();
  });

  it('opens another connection for a message that waits behind a slow one', async () => {
    await using bench = await QueueBench.open();
    const gate = Promise.withResolvers<void>();
    bench.scripts['one.test'] = {
      deliver: async (parcel) => {
        if (parcel.message.recipients[0]?.address === 'slow@one.test') await gate.promise;
        return allOf(parcel, 'delivered', '250 OK');
      },
    };
    bench.queue.start();
    await bench.store(['slow@one.test']);
    await waitUntil('the slow one', () => bench.loads[0] === 1);
    await bench.store(['quick@one.test']);
    await waitUntil('the quick one in the queue', () => bench.states()[0] === 'one.test Active 2');
    expect(bench.delivered).toEqual([]);
    bench.clock.advance(2000);
    await waitUntil('the quick one', () => bench.delivered[0] === 'quick@one.test');
    gate.resolve();
    await bench.emptied();
  });

  it('sorts waiting messages anew and tries them at once when the directory changes', async () => {
    await using bench = await QueueBench.open();
    bench.scripts['one.test'] = { open: (hop) => deferral(hop) };
    for (let at = 0; at < 4; at++) await bench.store([`a${at}@one.test`, `b${at}@one.test`]);
    bench.queue.start();
    await waitUntil('the queue in retry', () => bench.states()[0] === 'one.test Retry 4');
    await bench.quiet();
    bench.route = (address) => hopTo(address.startsWith('a') ? 'two.test' : 'three.test');
    bench.queue.resubmit();
    await bench.emptied();
    expect(bench.delivered).toHaveLength(8);
    expect(bench.states()).toEqual(['one.test Ready 0', 'two.test Ready 0', 'three.test Ready 0']);
  });

  it('sorts a message anew that was under way while the directory changed', async () => {
    await using bench = await QueueBench.open();
    const gate = Promise.withResolvers<void>();
    bench.scripts['one.test'] = {
      deliver: async (parcel) => {
        await gate.promise;
        return allOf(parcel, 'deferred', '451 4.3.0 later');
      },
    };
    await bench.store(['a@one.test']);
    bench.queue.start();
    await waitUntil('the delivery', () => bench.loads[0] === 1);
    bench.route = () => hopTo('two.test');
    bench.queue.resubmit();
    gate.resolve();
    await bench.attempted(1);
    expect(bench.states()).toEqual(['one.test Ready 0', 'two.test Ready 1']);
    bench.clock.advance(MINUTE_MS);
    await bench.emptied();
    expect(bench.opened).toEqual(['one.test', 'two.test']);
  });

  it('asks for the way again before each attempt: what is known of a peer may have changed', async () => {
    await using bench = await QueueBench.open();
    const ports: number[] = [];
    let port = 1;
    bench.route = () => ({ ...hopTo('one.test'), kind: 'mailbox', target: { kind: 'lmtp', host: 'h', port } });
    bench.scripts['one.test'] = {
      open: (hop) => {
        if (hop.kind === 'mailbox' && hop.target.kind === 'lmtp') ports.push(hop.target.port);
        return deferral(hop);
      },
    };
    await bench.store(['a@one.test']);
    bench.queue.start();
    await bench.attempted(1);
    port = 2;
    bench.clock.advance(MINUTE_MS);
    await bench.attempted(2);
    expect(ports).toEqual([1, 2]);
  });

  it('keeps a message in Unreachable that cannot be routed, and goes on with the others', async () => {
    await using bench = await QueueBench.open();
    bench.route = (address) => {
      if (address.startsWith('bad')) throw new Error('a bug');
      return hopTo('one.test');
    };
    bench.scripts['unreachable'] = { open: (hop) => deferral(hop) };
    await bench.store(['bad@one.test', 'a@one.test']);
    await bench.store(['b@one.test']);
    bench.queue.start();
    await waitUntil('the good ones', () => bench.delivered.length === 2);
    await bench.quiet();
    expect(bench.states()).toContain('unreachable Retry 1');
  });

  it('hands no fresh message to a connection in clear that only a waiting one could get', async () => {
    await using bench = await QueueBench.open(withSettings({ maxConnectionsPerHop: 1 }));
    const waitedOf: boolean[] = [];
    bench.scripts['one.test'] = {
      facts: { reason: 'handshake-cut', channel: 'plaintext' },
      open: (hop, hasWaited) => {
        waitedOf.push(hasWaited);
        return hasWaited ? { kind: 'ready', connection: bench.connectionTo(hop) } : deferral(hop);
      },
    };
    await bench.store(['old@one.test']);
    bench.queue.start();
    await bench.attempted(1);
    await bench.store(['fresh@one.test']);
    await waitUntil('the fresh one in the queue', () => bench.states()[0] === 'one.test Retry 2');
    bench.clock.advance(MINUTE_MS);
    await bench.attempted(3);
    // The fresh one had a connection of its own to try, was deferred, and is now one that has waited.
    expect([waitedOf, bench.delivered]).toEqual([[false, true, false], ['old@one.test']]);
    bench.clock.advance(MINUTE_MS);
    await bench.emptied();
  });

  it('sends so many messages over a connection and no more', async () => {
    await using bench = await QueueBench.open({
      ...withSettings({ maxConnectionsPerHop: 1 }),
      ...withMaxMessages(4),
    });
    await Promise.all(Array.from({ length: 10 }, (_, at) => bench.store([`a${at}@one.test`])));
    bench.queue.start();
    await bench.emptied();
    await bench.quiet();
    expect([bench.loads, bench.closed.length]).toEqual([[4, 4, 2], 3]);
  });

  it('makes a connection anew after five minutes, however busy it is', async () => {
    await using bench = await QueueBench.open(withSettings({ maxConnectionsPerHop: 1 }));
    const now = vi.spyOn(performance, 'now');
    let nowMs = 0;
    now.mockImplementation(() => nowMs);
    try {
      bench.scripts['one.test'] = {
        deliver: (parcel) => {
          nowMs += 100_000;
          return allOf(parcel, 'delivered', '250 2.1.5 OK');
        },
      };
      await Promise.all(Array.from({ length: 7 }, (_, at) => bench.store([`a${at}@one.test`])));
      bench.queue.start();
      await bench.emptied();
      await bench.quiet();
    } finally {
      now.mockRestore();
    }
    expect(bench.loads).toEqual([3, 3, 1]);
  });

  it('makes a connection anew once a certificate that was shown in it is out of its dates, and not for one that was so before', async () => {
    await using bench = await QueueBench.open(withSettings({ maxConnectionsPerHop: 1 }));
    const notAfter = (delayMs: number) => new Date(bench.clock.now().getTime() + delayMs).toISOString();
    bench.scripts['one.test'] = {
      facts: {
        tls: { version: 'TLSv1.3', cipher: 'x', localNotAfter: notAfter(-HOUR_MS), peerNotAfter: notAfter(HOUR_MS) },
      },
      deliver: (parcel) => {
        if (bench.delivered.length === 1) bench.clock.advance(2 * HOUR_MS);
        return allOf(parcel, 'delivered', '250 OK');
      },
    };
    for (const name of ['a', 'b', 'c', 'd']) await bench.store([`${name}@one.test`]);
    bench.queue.start();
    await bench.emptied();
    expect(bench.loads).toEqual([2, 2]);
  });

  it('takes up after a restart what was left, when its time comes', async () => {
    await using bench = await QueueBench.open();
    bench.scripts['one.test'] = { open: (hop) => deferral(hop) };
    const { id } = await bench.store(['a@one.test']);
    bench.queue.start();
    await bench.attempted(1);
    await bench.queue.stop(1000);
    const held = await bench.spool.get(id);
    expect(held?.nextAttemptAt.getTime()).toBe(bench.clock.now().getTime() + MINUTE_MS);
    // The embedded spool's claims end with the process, which a test cannot end.
    const claims = held ? [held] : [];
    bench.scripts['one.test'] = {};
    bench.queue = bench.makeQueue({ spool: changed(bench.spool, { claim: () => Promise.resolve(claims.splice(0)) }) });
    bench.queue.start();
    await waitUntil('the message in the queue', () => bench.states()[0] === 'one.test Ready 1');
    expect(bench.opened).toHaveLength(1);
    bench.clock.advance(MINUTE_MS);
    await bench.emptied();
    expect(bench.delivered).toEqual(['a@one.test']);
  });

  it('is not held up by a date that was stored while the clock stood in another year', async () => {
    await using bench = await QueueBench.open();
    const { id } = await bench.store(['a@one.test']);
    await bench.spool.settle(id, { attempts: 1, nextAttemptAt: new Date('2030-01-01T00:00:00Z') });
    bench.queue.start();
    await waitUntil('the message in the queue', () => bench.states()[0] === 'one.test Ready 1');
    bench.clock.advance(RETRY.outboundInterval);
    await bench.emptied();
  });

  it('renews its claims, and forgets what it has lost', async () => {
    await using bench = await QueueBench.open();
    bench.scripts['one.test'] = { open: (hop) => deferral(hop) };
    const asked: (readonly number[])[] = [];
    const lost = new Set<number>();
    const spool = changed(bench.spool, {
      renew: (ids) => {
        asked.push(ids.toSorted((a, b) => a - b));
        return Promise.resolve(ids.filter((id) => !lost.has(id)));
      },
    });
    bench.queue = bench.makeQueue({ spool });
    const first = await bench.store(['a@one.test']);
    const second = await bench.store(['b@one.test', 'c@two.test']);
    bench.scripts['two.test'] = { open: (hop) => deferral(hop) };
    bench.queue.start();
    await waitUntil('both in retry', () => bench.states().join() === 'one.test Retry 2,two.test Retry 1');
    await bench.quiet();
    lost.add(second.id);
    for (let minute = 0; minute < 10; minute++) {
      bench.clock.advance(MINUTE_MS);
      await bench.quiet();
    }
    await waitUntil(
      'the loss',
      () => bench.queue.queues().reduce((sum, { messageCount }) => sum + messageCount, 0) === 1,
    );
    expect(asked[0]).toEqual([first.id, second.id]);
    expect(asked.length).toBeGreaterThan(1);
  });

  it('reads the spool again when that failed', async () => {
    await using bench = await QueueBench.open();
    let failures = 0;
    const spool = changed(bench.spool, {
      claim: (options) => {
        if (failures++ === 0) throw new Problem('spool-unavailable', 'the disk does not answer');
        return bench.spool.claim(options);
      },
    });
    bench.queue = bench.makeQueue({ spool });
    await bench.store(['a@one.test']);
    bench.queue.start();
    await waitUntil('the failure', () => failures === 1);
    bench.clock.advance(1000);
    await bench.emptied();
  });

  it('finishes what is under way when it stops, and begins nothing', async () => {
    await using bench = await QueueBench.open(withSettings({ maxConnectionsPerHop: 1 }));
    const gate = Promise.withResolvers<void>();
    bench.scripts['one.test'] = {
      deliver: async (parcel) => {
        await gate.promise;
        return allOf(parcel, 'delivered', '250 OK');
      },
    };
    await bench.store(['a@one.test']);
    await bench.store(['b@one.test']);
    bench.queue.start();
    await waitUntil('the delivery', () => bench.loads[0] === 1);
    const stopped = bench.queue.stop(10_000);
    gate.resolve();
    await stopped;
    expect([bench.delivered, (await bench.spool.count()).messages]).toEqual([['a@one.test'], 1]);
    bench.clock.advance(HOUR_MS);
    expect([bench.opened.length, bench.clock.appointments]).toEqual([1, 0]);
  });

  it('cuts off what does not end in time', async () => {
    await using bench = await QueueBench.open();
    const cut = Promise.withResolvers<void>();
    bench.scripts['one.test'] = {
      open: (hop) => {
        const connection = bench.connectionTo(hop);
        return { kind: 'ready', connection: { ...connection, alive: true, destroy: () => cut.resolve() } };
      },
      deliver: async (parcel) => {
        await cut.promise;
        return allOf(parcel, 'deferred', '451 4.4.2 lost');
      },
    };
    const { id } = await bench.store(['a@one.test']);
    bench.queue.start();
    await waitUntil('the delivery', () => bench.loads[0] === 1);
    await bench.queue.stop(1);
    expect((await bench.spool.get(id))?.recipients[0]).toMatchObject({
      status: 'pending',
      lastError: '451 4.4.2 lost',
    });
  });

  it('shows an emptied queue for three minutes', async () => {
    await using bench = await QueueBench.open();
    await bench.store(['a@one.test']);
    bench.queue.start();
    await bench.emptied();
    await bench.quiet();
    bench.clock.advance(3 * MINUTE_MS - 1);
    expect(bench.states()).toEqual(['one.test Ready 0']);
    bench.clock.advance(1);
    expect(bench.states()).toEqual([]);
  });

  it('lets records fail without doing anything twice', async () => {
    await using bench = await QueueBench.open();
    bench.attempts.push = () => {
      throw new Error('a bug');
    };
    await bench.store(['a@one.test']);
    bench.queue.start();
    await bench.emptied();
    await bench.quiet();
    expect(bench.delivered).toEqual(['a@one.test']);
  });
});
