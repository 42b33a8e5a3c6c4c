import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PassingMap, PassingSet } from '../../src/passing.ts';

const MODULE = fileURLToPath(new URL('../../src/passing.ts', import.meta.url));

describe('PassingMap', () => {
  it('is a Map: what is set anew keeps its place, what was taken out comes back last', () => {
    const map = new PassingMap<string, number>().set('a', 1).set('b', 2).set('c', 3).set('a', 4);
    expect([...map]).toEqual([
      ['a', 4],
      ['b', 2],
      ['c', 3],
    ]);
    expect([map.delete('a'), map.delete('a'), map.get('a'), map.get('b'), map.size]).toEqual([
      true,
      false,
      undefined,
      2,
      2,
    ]);
    expect([...map.set('a', 5).keys()]).toEqual(['b', 'c', 'a']);
    map.clear();
    expect([map.size, [...map]]).toEqual([0, []]);
  });

  it('leaves out what is taken out while it is read, and holds undefined as any value', () => {
    const map = new PassingMap<number, undefined>().set(1, undefined).set(2, undefined).set(3, undefined);
    const read: number[] = [];
    for (const [key] of map) {
      read.push(key);
      map.delete(2);
    }
    expect(read).toEqual([1, 3]);
  });
});

describe('PassingSet', () => {
  const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];
  const namesIn = (set: PassingSet<{ name: string }>): string => Array.from(set, ({ name }) => name).join('');

  it.each([
    ['the first', a, 'bc'],
    ['one in the middle', b, 'ac'],
    ['the last', c, 'ab'],
  ])('takes out %s', (_, member, left) => {
    const set = new PassingSet<{ name: string }>().add(a).add(b).add(c).add(a);
    expect([namesIn(set), set.size]).toEqual(['abc', 3]);
    expect([set.delete(member), set.delete(member), set.has(member), namesIn(set), set.size]).toEqual([
      true,
      false,
      false,
      left,
      2,
    ]);
    expect(namesIn(set.add(member))).toBe(`${left}${member.name}`);
  });

  it('finds the first that is meant', () => {
    const set = new PassingSet<{ name: string }>().add(a).add(b).add(c);
    expect([set.find(({ name }) => name > 'a'), set.find(({ name }) => name > 'c')]).toEqual([b, undefined]);
    set.delete(b);
    expect(set.find(({ name }) => name > 'a')).toBe(c);
  });

  it('takes out its only one', () => {
    const set = new PassingSet<object>().add(a);
    expect([set.delete(a), set.size, [...set]]).toEqual([true, 0, []]);
    expect([...set.add(b)]).toEqual([b]);
  });

  it('reads on where one that was read, or the next, is taken out meanwhile', () => {
    const set = new PassingSet<{ name: string }>().add(a).add(b).add(c);
    const read: string[] = [];
    for (const member of set) {
      read.push(member.name);
      set.delete(a);
      set.delete(b);
    }
    expect(read).toEqual(['a', 'c']);
  });
});

/**
 * Megabytes that are still in the heap when 20,000 entries of about a kilobyte each have come and gone, one at a time, after the collection that
 * made everything old and before the next of its kind.
 */
function leftBehind(collection: string, put: string, take: string): number {
  const script = `
    import v8 from 'node:v8';
    import { PassingMap, PassingSet } from ${JSON.stringify(MODULE)};
    const all = ${collection};
    const pass = (from, to) => {
      for (let id = from; id < to; id++) {
        const entry = { id, octets: new Array(128).fill(id) };
        ${put};
        if (before) ${take};
        before = entry;
      }
    };
    let before;
    pass(0, 1000);
    gc();
    const used = () => v8.getHeapSpaceStatistics().find((space) => space.space_name === 'old_space').space_used_size;
    const atFirst = used();
    pass(1000, 21000);
    gc({ type: 'minor' });
    gc({ type: 'minor' });
    console.log((used() - atFirst) / 1048576);`;
  // A heap that may grow, so that no full collection comes between.
  const flags = ['--expose-gc', '--initial-old-space-size=500', '--max-semi-space-size=1'];
  return Number(execFileSync(process.execPath, [...flags, '--input-type=module', '-e', script], { encoding: 'utf8' }));
}

describe('what has come and gone', () => {
  it.each([
    ['PassingMap', 'new PassingMap()', 'all.set(id, entry)', 'all.delete(before.id)'],
    ['PassingSet', 'new PassingSet()', 'all.add(entry)', 'all.delete(before)'],
  ])('does not stay until the next full collection: %s', (_, collection, put, take) => {
    expect(leftBehind(collection, put, take)).toBeLessThan(4);
  });
});
