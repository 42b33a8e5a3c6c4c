// Counters that only rise, as rates a second.

import { describe, expect, it } from 'vitest';
import { append, prepend } from '../../../src/page/bounded.ts';
import { addSample, untilNow } from '../../../src/page/rates.ts';

const load = (Received: number, Sent = 0): Record<string, unknown> => ({ Received, Sent, Deferred: 0, Failed: 0 });

describe('addSample', () => {
  it('begins with no rate, and then says how many a second', () => {
    const [first] = addSample(undefined, load(1000), 10_000);
    expect(first).toMatchObject({ received: 1000, receivedRate: 0 });
    expect(addSample(first, load(1500, 30), 12_000)).toMatchObject([{ receivedRate: 250, sentRate: 15 }]);
  });

  it('says nothing happened in a silence, and does not spread what came after over it', () => {
    const [first] = addSample(undefined, load(10), 0);
    const samples = addSample(first, load(20), 60_000);
    expect(samples.map(({ at, receivedRate }) => [at, receivedRate])).toEqual([
      [1000, 0],
      [59_000, 0],
      [60_000, 10],
    ]);
  });

  it('makes no flood of what was held up on the way and then came together', () => {
    const [first] = addSample(undefined, load(10), 5000);
    expect(addSample(first, load(12), 5001)).toMatchObject([{ receivedRate: 2 }]);
  });

  it('begins anew with a server that was started again', () => {
    const [first] = addSample(undefined, load(1000), 0);
    expect(addSample(first, load(3), 1000)).toMatchObject([{ received: 3, receivedRate: 0 }]);
  });
});

describe('untilNow', () => {
  it('says that nothing happens once nothing was told for a while', () => {
    const samples = [...addSample(undefined, load(1), 0)];
    samples.push(...addSample(samples[0], load(9), 1000));
    expect(untilNow(samples, 2000)).toBe(samples);
    expect(untilNow(samples, 60_000).map(({ at, receivedRate }) => [at, receivedRate])).toEqual([
      [0, 0],
      [1000, 8],
      [2000, 0],
      [60_000, 0],
    ]);
    expect(untilNow([], 60_000)).toEqual([]);
  });
});

describe('bounded lists', () => {
  it('keep the newest', () => {
    expect(prepend([2, 1], [3, 4], 3)).toEqual([4, 3, 2]);
    expect(append([1, 2], [3, 4], 3)).toEqual([2, 3, 4]);
    expect(prepend([], [1, 2, 3, 4], 2)).toEqual([4, 3]);
  });
});
