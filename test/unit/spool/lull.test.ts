import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { waitForLull } from '../../../src/spool/lull.ts';

describe('the wait for a lull', () => {
  /** Counts of events as the rounds show them, two questions a round; the last one stays. */
  function counts(...of: number[]): () => number {
    return () => (of.length > 1 ? of.shift() : of[0]) ?? 0;
  }

  /** How often it was asked whether it is enough; it is with the last time. */
  async function askedUntil(events?: () => number, most = Number.POSITIVE_INFINITY): Promise<number> {
    let asked = 0;
    await waitForLull(() => asked++ >= most, events);
    return asked;
  }

  it('ends with the first round that brought nothing', async () => {
    expect(await askedUntil(counts(7, 7))).toBe(1);
    expect(await askedUntil(counts(7, 8, 8, 9, 9, 9))).toBe(3);
  });

  it('ends when it was enough, whatever still comes', async () => {
    let events = 0;
    expect(await askedUntil(() => events++, 4)).toBe(5);
  });

  it('counts what this process is brought, and ends where that is nothing', async () => {
    const { port1, port2 } = new MessageChannel();
    port2.on('message', () => port1.postMessage(''));
    port1.on('message', () => port2.postMessage(''));
    port1.postMessage('');
    expect(await askedUntil(undefined, 4)).toBe(5);
    port1.close();
    await askedUntil();
  });
});
