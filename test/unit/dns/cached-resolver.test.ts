import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { CachedResolver } from '../../../src/dns/cached-resolver.ts';
import type { DnsAnswer, Resolver } from '../../../src/dns/resolver.ts';
import { HandClock } from '../../helpers/hand-clock.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** A source that answers when it is told to. */
class Source implements Resolver {
  readonly asked: string[] = [];
  readonly #waiting = new Map<string, (answer: DnsAnswer<string>) => void>();

  mailExchangers(name: string): Promise<DnsAnswer<never>> {
    this.asked.push(`MX ${name}`);
    return Promise.resolve({ kind: 'no-data' });
  }

  addresses(name: string): Promise<DnsAnswer<string>> {
    this.asked.push(name);
    return new Promise((resolve) => void this.#waiting.set(name, resolve));
  }

  /** Answers the question about a name, as soon as it is put. */
  async answer(name: string, answer: DnsAnswer<string> = { kind: 'no-data' }): Promise<void> {
    await vi.waitUntil(() => this.#waiting.has(name), { interval: 1, timeout: 30_000 });
    this.#waiting.get(name)?.(answer);
    this.#waiting.delete(name);
  }
}

function setUp(options: { maxQuestions?: number; patienceMs?: number } = {}) {
  const clock = new HandClock(new Date('2026-01-01T00:00:00Z'));
  const source = new Source();
  return { clock, source, resolver: new CachedResolver({ clock, source, ...options }) };
}

describe('CachedResolver', () => {
  it.each<[string, DnsAnswer<string>, number]>([
    ['what is found for its time', { kind: 'found', records: ['192.0.2.1'], ttlMs: 600 * SECOND }, 600 * SECOND],
    ['a short time a little longer', { kind: 'found', records: ['192.0.2.1'], ttlMs: 0 }, 10 * SECOND],
    ['a long time not so long', { kind: 'found', records: ['192.0.2.1'], ttlMs: 48 * HOUR }, HOUR],
    ['an unknown time for five minutes', { kind: 'found', records: ['192.0.2.1'] }, 300 * SECOND],
    ['a name that does not exist for a minute', { kind: 'no-name' }, 60 * SECOND],
    ['a name without the record for a minute', { kind: 'no-data' }, 60 * SECOND],
    ['a failure for less than a retry', { kind: 'failed', code: 'ESERVFAIL' }, 15 * SECOND],
  ])('remembers %s', async (_what, answer, lifeMs) => {
    const { clock, source, resolver } = setUp();
    const first = resolver.addresses('a.test');
    await source.answer('a.test', answer);
    await expect(first).resolves.toEqual(answer);
    clock.advance(lifeMs - 1);
    await expect(resolver.addresses('A.test')).resolves.toEqual(answer);
    expect(source.asked).toEqual(['a.test']);
    clock.advance(1);
    const again = resolver.addresses('a.test');
    await source.answer('a.test');
    await again;
    expect(source.asked).toEqual(['a.test', 'a.test']);
  });

  it('asks once for a name that many want, and apart for its exchangers', async () => {
    const { source, resolver } = setUp();
    const all = ['a.test', 'A.TEST', 'a.test'].map((name) => resolver.addresses(name));
    await resolver.mailExchangers('a.test');
    await source.answer('a.test');
    await Promise.all(all);
    expect(source.asked).toEqual(['a.test', 'MX a.test']);
  });

  it('puts a bounded number of questions at a time, in the order in which they came', async () => {
    const { source, resolver } = setUp({ maxQuestions: 2, patienceMs: HOUR });
    const all = ['a', 'b', 'c', 'd'].map((name) => resolver.addresses(name));
    await pause(0);
    expect(source.asked).toEqual(['a', 'b']);
    await source.answer('b');
    await all[1];
    await pause(0);
    expect(source.asked).toEqual(['a', 'b', 'c']);
    await source.answer('c');
    await all[2];
    await pause(0);
    for (const name of ['a', 'd']) await source.answer(name);
    await Promise.all(all);
    expect(source.asked).toEqual(['a', 'b', 'c', 'd']);
  });

  it('gives the place of a slow name to the next, which is answered first', async () => {
    const { source, resolver } = setUp({ maxQuestions: 1, patienceMs: 10 });
    const slow = resolver.addresses('slow');
    const quick = resolver.addresses('quick');
    await source.answer('quick');
    await quick;
    await source.answer('slow');
    await slow;
    const next = resolver.addresses('next');
    await pause(0);
    expect(source.asked).toEqual(['slow', 'quick', 'next']);
    await source.answer('next');
    await next;
  });
});
