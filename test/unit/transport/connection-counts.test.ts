import { describe, expect, it } from 'vitest';
import { ConnectionCounts, CountsShare, type EntryClaim } from '../../../src/transport/connection-counts.ts';

function claim(given: Partial<EntryClaim> = {}): EntryClaim {
  const limits = { maxConnections: 100, maxInboundConnection: 100, maxPerSource: undefined, percentPerSource: 100 };
  return { connector: 'Default', source: '192.0.2.1', ...limits, ...given };
}

describe('counts of connections', () => {
  it.each([
    ['the source', claim({ maxPerSource: 2 }), 'source'],
    ['the connector', claim({ maxInboundConnection: 2 }), 'connector'],
    ['the server', claim({ maxConnections: 2 }), 'server'],
  ])('let in as many as %s may have, and one more for each that leaves', (_, wanted, full) => {
    const counts = new ConnectionCounts();
    expect([counts.enter(wanted), counts.enter(wanted), counts.enter(wanted)]).toEqual(['in', 'in', full]);
    counts.leave(wanted);
    expect([counts.enter(wanted), counts.enter(wanted)]).toEqual(['in', full]);
  });

  it('give a source a share of the connections that are left, and always one', () => {
    const counts = new ConnectionCounts();
    const shared = (source: string) => claim({ source, maxInboundConnection: 10, percentPerSource: 30 });
    expect(['a', 'a', 'a'].map((source) => counts.enter(shared(source)))).toEqual(['in', 'in', 'source']);
    // Eight are left, and three of ten of those are two.
    expect(['b', 'b', 'b'].map((source) => counts.enter(shared(source)))).toEqual(['in', 'in', 'source']);
    expect(['c', 'c', 'd', 'e', 'f', 'g', 'h'].map((source) => counts.enter(shared(source)))).toEqual([
      'in',
      'source',
      'in',
      'in',
      'in',
      'in',
      'in',
    ]);
    expect(counts.enter(shared('i'))).toBe('connector');
  });

  it('count each connector, and each source at it, by itself', () => {
    const counts = new ConnectionCounts();
    const one = claim({ maxPerSource: 1 });
    expect(counts.enter(one)).toBe('in');
    expect(counts.enter({ ...one, connector: 'Client' })).toBe('in');
    expect(counts.enter({ ...one, source: '192.0.2.2' })).toBe('in');
    expect(counts.enter(one)).toBe('source');
  });

  it('forget what a process that died had, once', () => {
    const counts = new ConnectionCounts();
    const [first, second] = [new CountsShare(counts), new CountsShare(counts)];
    const wanted = claim({ maxPerSource: 3 });
    expect([first.enter(wanted), first.enter(wanted), second.enter(wanted), second.enter(wanted)]).toEqual([
      'in',
      'in',
      'in',
      'source',
    ]);
    first.leave(wanted);
    first.close();
    first.close();
    // What is said too late, or without a place, changes nothing.
    first.leave(wanted);
    expect([second.enter(wanted), second.enter(wanted), second.enter(wanted)]).toEqual(['in', 'in', 'source']);
  });
});

describe('one of the pair', () => {
  it('counts for no source, and is forgotten with the process that had it', () => {
    const counts = new ConnectionCounts();
    const share = new CountsShare(counts);
    const wanted = claim({ maxPerSource: 1, maxConnections: 2 });
    const ofPair = { ...wanted, source: undefined };
    expect([share.enter(wanted), counts.enter(wanted)]).toEqual(['in', 'source']);
    share.vouch(wanted);
    // What is said twice changes nothing.
    share.vouch(wanted);
    expect([counts.enter(wanted), counts.enter({ ...wanted, source: '10.0.0.2' })]).toEqual(['in', 'server']);
    share.leave(ofPair);
    share.leave(ofPair);
    expect([share.enter({ ...wanted, source: '10.0.0.2' }), counts.enter(wanted)]).toEqual(['in', 'source']);
    share.vouch({ ...wanted, source: '10.0.0.2' });
    share.close();
    expect(counts.enter({ ...wanted, source: '10.0.0.2' })).toBe('in');
  });
});

describe('rates', () => {
  it('hold for any minute, not only for those of a clock', () => {
    let nowMs = 0;
    const counts = new ConnectionCounts(() => nowMs);
    const spend = (count = 1) => counts.spend({ key: 'a', count, limitPerMinute: 10 });
    expect([spend(9), spend(), spend()]).toEqual([true, true, false]);
    nowMs = 59_999;
    expect(spend()).toBe(false);
    nowMs = 60_000;
    expect(spend()).toBe(false);
    nowMs = 90_000;
    // Half a minute later half of them count no more.
    expect([spend(5), spend()]).toEqual([true, false]);
    nowMs = 300_000;
    expect([spend(10), spend()]).toEqual([true, false]);
    expect(counts.spend({ key: 'b', count: 1, limitPerMinute: 1 })).toBe(true);
  });
});
