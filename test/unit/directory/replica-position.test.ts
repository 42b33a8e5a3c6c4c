import { describe, expect, it } from 'vitest';
import {
  compareToSeen,
  formatPosition,
  mergePositions,
  parsePosition,
  positionByCsn,
  positionByUsn,
} from '../../../src/directory/replica-position.ts';
import { toAttributes } from '../../../src/ldap/entry.ts';

const EARLY = '20261126113359.237326Z#000000#001#000000';
const LATE = '20261126113359.237327Z#000000#001#000000';
const OTHER = '20261126113359.100000Z#000000#002#000000';

const at = (...csns: string[]) => positionByCsn({ dn: 'dc=test', attributes: toAttributes({ contextCSN: csns }) });

describe('how far a copy has come', () => {
  it.each([
    ['nothing was seen before', at(), at(), 'current'],
    ['it has the same', at(EARLY), at(EARLY), 'current'],
    ['it has more', at(LATE, OTHER), at(EARLY), 'current'],
    ['it lacks the last change', at(EARLY), at(LATE), 'behind'],
    ['it lacks what one of two providers changed', at(LATE), at(EARLY, OTHER), 'behind'],
    ['it has nothing', at(), at(EARLY), 'apart'],
    ['it has changes of others only', at(OTHER), at(EARLY), 'apart'],
  ])('when %s', (_what, position, seen, expected) => {
    expect(compareToSeen(position, seen)).toBe(expected);
  });

  it('is the later change of each provider, in whatever order they were heard', () => {
    const merged = mergePositions(at(LATE), at(OTHER, EARLY));
    expect(formatPosition(merged)).toBe(formatPosition(at(OTHER, LATE)));
  });

  it('is a text and comes back from it', () => {
    expect(parsePosition(formatPosition(at(OTHER, LATE)))).toEqual(at(LATE, OTHER));
    expect(parsePosition('')).toEqual(at());
  });

  it('by update sequence numbers compares as numbers, and only within one directory', () => {
    const usn = (invocationId: string, highestCommittedUSN: string) =>
      positionByUsn({ dn: '', attributes: toAttributes({ invocationId, highestCommittedUSN }) }) ?? at();
    expect(compareToSeen(usn('a', '10'), usn('a', '9'))).toBe('current');
    expect(compareToSeen(usn('a', '9'), usn('a', '10'))).toBe('behind');
    expect(compareToSeen(usn('b', '10'), usn('a', '9'))).toBe('apart');
    expect(positionByUsn({ dn: '', attributes: new Map() })).toBeUndefined();
  });
});
