import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MailExchanger } from '../../../src/dns/resolver.ts';
import { MAX_EXCHANGERS, type MxReading, readMx, shuffle } from '../../../src/transport/mx.ts';

/** "10 mx1.test" */
function records(...texts: readonly string[]): MailExchanger[] {
  return texts.map((text) => {
    const [preference, exchange = ''] = text.split(' ');
    return { preference: Number(preference), exchange };
  });
}

const STILL = { isOwnName: () => false, random: () => 0.999 };

function read(texts: readonly string[], own: readonly string[] = []): MxReading {
  return readMx(records(...texts), { ...STILL, isOwnName: (host) => own.includes(host) });
}

describe('readMx', () => {
  it.each([['0 '], ['0 .'], ['10 ']])('reads %j alone as the null MX', (text) => {
    expect(read([text])).toEqual({ kind: 'refuses-mail' });
  });

  it.each<[string, readonly string[], readonly (readonly string[])[]]>([
    ['the lower preference first', ['20 b.test', '10 a.test'], [['a.test'], ['b.test']]],
    ['equals together', ['10 a.test', '20 c.test', '10 b.test'], [['a.test', 'b.test'], ['c.test']]],
    ['a name twice as its better one', ['20 a.test', '10 A.test.', '15 b.test'], [['a.test'], ['b.test']]],
    ['no address', ['10 192.0.2.1', '20 b.test'], [['b.test']]],
    ['no address in brackets', ['10 [192.0.2.1]', '20 b.test'], [['b.test']]],
    ['nothing but names', ['10 ev\\010il.test', '10 -a.test', '10 a..test', '20 b.test'], [['b.test']]],
    ['no root among others', ['0 ', '20 b.test'], [['b.test']]],
    ['nothing where nothing is left', ['10 192.0.2.1', '20 192.0.2.2'], []],
  ])('gives %s', (_what, texts, groups) => {
    expect(read(texts)).toEqual({ kind: 'exchangers', groups, endsWithUs: false });
  });

  it.each<[string, readonly string[], readonly (readonly string[])[]]>([
    ['itself and whatever is worse', ['10 a.test', '20 us.test', '30 c.test'], [['a.test']]],
    ['whatever is equal', ['10 a.test', '20 b.test', '20 us.test'], [['a.test']]],
    ['everything when it is the best', ['10 us.test', '20 b.test'], []],
  ])('leaves out %s where this server is an exchanger', (_what, texts, groups) => {
    expect(read(texts, ['us.test'])).toEqual({ kind: 'exchangers', groups, endsWithUs: true });
  });

  const label = fc.stringMatching(/^[a-d]{1,2}$/);
  const anyRecord = fc.record({
    preference: fc.integer({ min: 0, max: 4 }),
    exchange: fc.oneof(
      label.map((text) => `${text}.test`),
      fc.constantFrom('', '192.0.2.1', 'us.test'),
    ),
  });
  const isUsable = ({ exchange }: MailExchanger): boolean => exchange.endsWith('.test');
  const best = (all: readonly MailExchanger[], host: string): number =>
    Math.min(...all.filter(({ exchange }) => exchange === host).map(({ preference }) => preference));

  it('keeps every rule for any records and any chance', () => {
    fc.assert(
      fc.property(
        fc.array(anyRecord, { minLength: 1, maxLength: 15 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (given, chance) => {
          const random = (): number => chance.next().value ?? 0;
          const reading = readMx(given, { isOwnName: (host) => host === 'us.test', random });
          if (reading.kind === 'refuses-mail') {
            expect(given.map(({ exchange }) => exchange)).toEqual(['']);
            return;
          }
          const hosts = reading.groups.flat();
          const preferences = hosts.map((host) => best(given, host));
          // Ascending, and a group is one preference.
          expect(preferences).toEqual(preferences.toSorted((a, b) => a - b));
          expect(new Set(preferences).size).toBe(reading.groups.length);
          expect(new Set(hosts).size).toBe(hosts.length);
          expect(hosts.length).toBeLessThanOrEqual(MAX_EXCHANGERS);
          // Exactly those better than ourselves, as far as the limit goes.
          const limit = best(given, 'us.test');
          const wanted = new Set(given.filter(isUsable).map(({ exchange }) => exchange));
          const better = [...wanted].filter((host) => best(given, host) < limit);
          if (better.length <= MAX_EXCHANGERS) expect(hosts.toSorted()).toEqual(better.toSorted());
          else expect(hosts.every((host) => better.includes(host))).toBe(true);
          expect(reading.endsWithUs).toBe(limit !== Number.POSITIVE_INFINITY);
        },
      ),
    );
  });
});

describe('shuffle', () => {
  it('gives every order as often as every other, over all chances', () => {
    const counts = new Map<string, number>();
    const steps = 12;
    for (let a = 0; a < steps; a++) {
      for (let b = 0; b < steps; b++) {
        const chances = [0, a / steps, b / steps];
        const order = shuffle(['x', 'y', 'z'], () => chances.shift() ?? 0).join('');
        counts.set(order, (counts.get(order) ?? 0) + 1);
      }
    }
    expect(counts.size).toBe(6);
    expect(new Set(counts.values())).toEqual(new Set([(steps * steps) / 6]));
  });

  it('is the same for the same seed, loses nothing and changes nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.array(fc.double({ min: 0, max: 0.999, noNaN: true })), (items, chances) => {
        const seeded = (): (() => number) => {
          let index = 0;
          return () => chances[index++ % Math.max(1, chances.length)] ?? 0;
        };
        const before = [...items];
        const shuffled = shuffle(items, seeded());
        expect(shuffle(items, seeded())).toEqual(shuffled);
        expect(shuffled.toSorted()).toEqual(items.toSorted());
        expect(items).toEqual(before);
      }),
    );
  });
});
