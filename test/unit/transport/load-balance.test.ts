import { describe, expect, it } from 'vitest';
import { LoadBalance, SHUN_MS } from '../../../src/transport/load-balance.ts';
import { HandClock } from '../../helpers/hand-clock.ts';

const THREE = ['a', 'b', 'c'];

function makeBalance(random = 0) {
  const clock = new HandClock();
  const balance = new LoadBalance({ clock, random: () => random });
  const order = (key = 'hop', servers = THREE): string => balance.order(key, servers, (server) => server).join('');
  const attempt = (id: string, isUsable: boolean): Promise<boolean> =>
    balance.try(id, () => Promise.resolve(isUsable), Boolean);
  /** Tries in order until one can be used, as a connection does; says who was tried. */
  const connect = async (dead: string): Promise<string> => {
    let tried = '';
    for (const server of order()) {
      tried += server;
      if (await attempt(server, !dead.includes(server))) break;
    }
    return tried;
  };
  return { clock, balance, order, attempt, connect };
}

describe('LoadBalance', () => {
  it('lets the servers of a hop take turns, each hop by itself', () => {
    const { order } = makeBalance();
    expect([order(), order(), order('other'), order(), order()]).toEqual(['abc', 'bca', 'abc', 'cab', 'abc']);
  });

  it.each([
    [0, 'abc'],
    [0.001, 'bca'],
    [0.002, 'cab'],
    [0.999, 'abc'],
  ])('begins where the random number %d says', (random, expected) => {
    expect(makeBalance(random).order()).toBe(expected);
  });

  it('tries a server that could not be used after all others, and shares its part among them', async () => {
    const { connect } = makeBalance();
    const tried: string[] = [];
    for (let count = 0; count < 10; count++) tried.push(await connect('b'));
    expect(tried.filter((text) => text.includes('b'))).toEqual(['bc']);
    expect(tried.filter((text) => text.endsWith('a')).length).toBe(5);
  });

  it('still tries a shunned server when no other can be used', async () => {
    const { connect } = makeBalance();
    expect(await connect('abc')).toBe('abc');
    expect((await connect('abc')).split('').toSorted()).toEqual(THREE);
    expect((await connect('ab')).at(-1)).toBe('c');
  });

  it('looks at a shunned server first when its time is over, by one connection alone', async () => {
    const { clock, balance, order, attempt } = makeBalance();
    await attempt('b', false);
    clock.advance(SHUN_MS - 1);
    expect(order().at(-1)).toBe('b');
    clock.advance(1);
    expect(order()[0]).toBe('b');
    const answer = Promise.withResolvers<boolean>();
    const probe = balance.try('b', () => answer.promise, Boolean);
    expect([order().at(-1), order().at(-1)]).toEqual(['b', 'b']);
    answer.resolve(true);
    await probe;
    expect(new Set([order()[0], order()[0], order()[0]])).toEqual(new Set(THREE));
  });

  it('ranks servers of a given order, which stays among those that did alike', async () => {
    const { clock, balance, attempt } = makeBalance();
    const rank = (): string => balance.rank(['a', 'b', 'c', 'd'], (server) => server).join('');
    expect([rank(), rank()]).toEqual(['abcd', 'abcd']);
    await attempt('a', false);
    balance.note('c', false);
    expect([rank(), rank()]).toEqual(['bdac', 'bdac']);
    expect(['a', 'b', 'c', 'd'].filter((id) => balance.isShunned(id))).toEqual(['a', 'c']);
    clock.advance(SHUN_MS);
    expect(rank()).toBe('acbd');
    expect(balance.isShunned('a')).toBe(false);
  });

  it('shuns it again when it still cannot be used', async () => {
    const { clock, order, attempt } = makeBalance();
    await attempt('b', false);
    clock.advance(SHUN_MS);
    await attempt('b', false);
    expect([order().at(-1), order().at(-1)]).toEqual(['b', 'b']);
  });

  it('keeps those who ask meanwhile from waiting for a server that gives no answer', async () => {
    const { balance, order } = makeBalance();
    const answer = Promise.withResolvers<boolean>();
    const slow = balance.try('a', () => answer.promise, Boolean);
    expect(Array.from({ length: 6 }, () => order().at(-1))).toEqual(Array.from({ length: 6 }, () => 'a'));
    answer.resolve(false);
    await slow;
  });

  it('puts the server last for which most are waiting, where all are being tried', async () => {
    const { balance, order } = makeBalance();
    const answer = Promise.withResolvers<boolean>();
    const open = ['a', 'a', 'b', 'c'].map((id) => balance.try(id, () => answer.promise, Boolean));
    expect(Array.from({ length: 6 }, () => order())).toEqual(['bca', 'bca', 'cba', 'bca', 'bca', 'cba']);
    answer.resolve(true);
    await Promise.all(open);
  });

  it('forgets an attempt that failed by a fault of our own', async () => {
    const { balance, order } = makeBalance();
    await expect(balance.try('a', () => Promise.reject(new Error('bug')), Boolean)).rejects.toThrow('bug');
    expect(new Set([order()[0], order()[0], order()[0]])).toEqual(new Set(THREE));
  });
});
