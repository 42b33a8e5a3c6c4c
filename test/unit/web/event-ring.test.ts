import { describe, expect, it } from 'vitest';
import { EventRing } from '../../../src/web/event-ring.ts';

function makeRing(limits: { maxEntries?: number; maxOctets?: number } = {}) {
  const described: string[] = [];
  const ring = new EventRing({
    maxEntries: 100,
    maxOctets: 10_000,
    ...limits,
    describe: (_kind, line) => {
      described.push(line);
      return line === 'broken' ? undefined : JSON.stringify({ line });
    },
  });
  return { ring, described };
}

describe('EventRing', () => {
  it('puts a record into words once, and only when it is wanted', () => {
    const { ring, described } = makeRing();
    ring.add('card', 'a');
    ring.add('card', 'b');
    expect(described).toEqual([]);
    expect(ring.read(2)?.json).toBe('{"line":"b"}');
    expect(ring.read(2)?.json).toBe('{"line":"b"}');
    expect(described).toEqual(['b']);
  });

  it('has no words for a line that cannot be read, and goes on', () => {
    const { ring } = makeRing();
    ring.add('tracking', 'broken');
    expect(ring.read(1)).toMatchObject({ kind: 'tracking', json: undefined });
  });

  it('forgets the oldest beyond a number of records', () => {
    const { ring } = makeRing({ maxEntries: 3 });
    for (const line of ['a', 'b', 'c', 'd', 'e']) ring.add('event', line);
    expect([ring.oldest, ring.next]).toEqual([3, 6]);
    expect(ring.read(2)).toBeUndefined();
    expect(ring.read(3)?.json).toBe('{"line":"c"}');
  });

  it('forgets the oldest beyond a number of octets, those of the words included', () => {
    const { ring } = makeRing({ maxOctets: 20 });
    ring.add('event', 'a'.repeat(10));
    ring.add('event', 'b'.repeat(10));
    expect(ring.oldest).toBe(1);
    ring.read(2);
    expect(ring.oldest).toBeGreaterThan(1);
    for (let count = 0; count < 50; count += 1) ring.add('event', 'c'.repeat(500));
    expect(ring.oldest).toBe(ring.next);
  });

  it('goes on after an id that it has, and says when it cannot', () => {
    const { ring } = makeRing({ maxEntries: 3 });
    for (const line of ['a', 'b', 'c', 'd', 'e']) ring.add('event', line);
    expect(ring.resume(ring.formatId(4))).toBe(5);
    expect(ring.resume(ring.formatId(5))).toBe(6);
    expect(ring.resume(ring.formatId(2))).toBe(3);
    expect(ring.resume(ring.formatId(1))).toBeUndefined();
    expect(ring.resume(ring.formatId(6))).toBeUndefined();
    expect(ring.resume(makeRing().ring.formatId(4))).toBeUndefined();
    for (const id of ['', 'x', '1-1', '-', `${'0'.repeat(8)}-1e3`]) expect(ring.resume(id)).toBeUndefined();
  });
});
