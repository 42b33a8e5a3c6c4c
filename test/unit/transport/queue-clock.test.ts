// Time that passed is counted by the process itself: what the operating system's clock says meanwhile changes nothing.

import { describe, expect, it } from 'vitest';
import { waitUntil } from '../../helpers/wait.ts';
import { deferral, HOUR_MS, MINUTE_MS, QueueBench, RETRY } from './queue-bench.ts';

const DAY_MS = 24 * HOUR_MS;

/** A message for a hop that cannot be reached, in retry. */
async function withOneInRetry(): Promise<QueueBench> {
  const bench = await QueueBench.open();
  bench.scripts['one.test'] = { open: (hop) => deferral(hop) };
  await bench.store(['a@one.test']);
  bench.queue.start();
  await bench.attempted(1);
  return bench;
}

async function passMinutes(bench: QueueBench, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute++) {
    bench.clock.advance(MINUTE_MS);
    await bench.quiet();
  }
}

describe("a jump of the operating system's clock", () => {
  it.each([
    ['an hour ahead', HOUR_MS],
    ['a day ahead', DAY_MS],
    ['a year ahead', 365 * DAY_MS],
    ['an hour back', -HOUR_MS],
    ['a day back', -DAY_MS],
    ['a year back', -365 * DAY_MS],
  ])('neither stops retries nor makes them early: %s', async (_, jumpMs) => {
    await using bench = await withOneInRetry();
    bench.clock.jump(jumpMs);
    bench.clock.advance(MINUTE_MS - 1);
    await bench.quiet();
    expect([bench.opened.length, bench.expired.length]).toEqual([1, 0]);
    bench.clock.advance(1);
    await bench.attempted(2);
    bench.scripts['one.test'] = {};
    bench.clock.advance(MINUTE_MS);
    await bench.emptied();
    expect([bench.delivered, bench.expired]).toEqual([['a@one.test'], []]);
  });

  it.each([
    ['a day ahead', DAY_MS],
    ['a year ahead', 365 * DAY_MS],
    ['a day back', -DAY_MS],
  ])('does not change when a message expires: %s', async (_, jumpMs) => {
    await using bench = await QueueBench.open();
    bench.scripts['one.test'] = { open: (hop) => deferral(hop) };
    const expiresAt = new Date(bench.clock.now().getTime() + 5 * HOUR_MS);
    for (let at = 0; at < 20; at++) await bench.store([`a${at}@one.test`], { expiresAt });
    bench.queue.start();
    await bench.attempted(1);
    await passMinutes(bench, 60);
    bench.clock.jump(jumpMs);
    await passMinutes(bench, 4 * 60 - 2);
    expect([bench.expired.length, bench.states()]).toEqual([0, ['one.test Retry 20']]);
    await passMinutes(bench, 3);
    await waitUntil('all returned', () => bench.expired.length === 20);
    await bench.emptied();
  });

  it('ahead and back again leaves new mail and old mail alike', async () => {
    await using bench = await withOneInRetry();
    bench.clock.jump(DAY_MS);
    await bench.store(['b@one.test']);
    await waitUntil('both in the queue', () => bench.states()[0] === 'one.test Retry 2');
    bench.clock.jump(-2 * DAY_MS);
    await bench.store(['c@one.test']);
    await waitUntil('three in the queue', () => bench.states()[0] === 'one.test Retry 3');
    bench.scripts['one.test'] = {};
    bench.clock.advance(MINUTE_MS);
    await bench.emptied();
    expect([bench.delivered.toSorted(), bench.expired]).toEqual([['a@one.test', 'b@one.test', 'c@one.test'], []]);
  });
});

describe('a start after the clock was moved', () => {
  it('lets a message that claims to come from the future live no longer than any other', async () => {
    await using bench = await QueueBench.open();
    bench.scripts['one.test'] = { open: (hop) => deferral(hop) };
    const receivedAt = new Date(bench.clock.now().getTime() + 365 * DAY_MS);
    const expiresAt = new Date(receivedAt.getTime() + RETRY.expiration);
    await bench.store(['a@one.test'], { receivedAt, expiresAt });
    bench.queue.start();
    await bench.attempted(1);
    for (let hour = 0; hour < 48; hour++) {
      bench.clock.advance(HOUR_MS);
      await bench.quiet();
    }
    bench.clock.advance(MINUTE_MS);
    await waitUntil('its return', () => bench.expired.length === 1);
    await bench.emptied();
  });
});
