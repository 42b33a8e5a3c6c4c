import { describe, expect, it } from 'vitest';
import { carriedPosition, findCookie, formatEdgeSyncCookie } from '../../../src/directory/edge-sync-cookie.ts';
import { compareToSeen, type ReplicaPosition } from '../../../src/directory/replica-position.ts';

const EARLY = '20261126113359.237326Z#000000#001#000000';
const LATE = '20261126113359.237327Z#000000#001#000000';

function cookie(type: 'Configuration' | 'Recipients', version: number, reached?: ReplicaPosition): string {
  const time = new Date('2026-11-26T12:00:00Z');
  return formatEdgeSyncCookie({ type, version, hub: 'HUB01', source: 'CN=Configuration', reached, time });
}

const at = (csn: string): ReplicaPosition => new Map([['001', csn]]);

describe('how far an Edge has come with what EdgeSync carries', () => {
  it('is where AD stood for each type, whatever else its own cookies say', () => {
    const one = [cookie('Configuration', 7, at(LATE)), cookie('Recipients', 3, at(EARLY))];
    const other = [cookie('Configuration', 1, at(LATE)), cookie('Recipients', 12, at(EARLY))];
    expect(carriedPosition(one)).toEqual(
      new Map([
        ['Configuration/001', LATE],
        ['Recipients/001', EARLY],
      ]),
    );
    expect(carriedPosition(other)).toEqual(carriedPosition(one));
  });

  it('lacks what another one was brought of either type', () => {
    const seen = carriedPosition([cookie('Configuration', 7, at(LATE)), cookie('Recipients', 3, at(LATE))]);
    const behind = carriedPosition([cookie('Configuration', 9, at(LATE)), cookie('Recipients', 9, at(EARLY))]);
    expect(compareToSeen(behind, seen)).toBe('behind');
    expect(compareToSeen(carriedPosition([cookie('Configuration', 9, at(LATE))]), seen)).toBe('behind');
  });

  it('is nothing while it is not subscribed, and where AD does not say how far it is', () => {
    expect(carriedPosition([])).toEqual(new Map());
    expect(carriedPosition([cookie('Configuration', 0), cookie('Recipients', 5)])).toEqual(new Map());
  });

  it('is left out where it would be too long for a cookie, which is good all the same', () => {
    const many = new Map(Array.from({ length: 100 }, (_, number) => [String(number), LATE]));
    const text = cookie('Configuration', 4, many);
    const { version, reached } = findCookie([text], 'Configuration') ?? {};
    expect([version, reached]).toEqual([4, undefined]);
  });
});
