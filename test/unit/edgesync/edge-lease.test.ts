import { describe, expect, it } from 'vitest';
import { formatEdgeSyncLease } from '../../../src/directory/edge-sync-lease.ts';
import { findHolder } from '../../../src/edgesync/edge-lease.ts';

const NOW = new Date('2026-01-01T12:00:00.000Z');
const LATER = new Date('2026-01-01T12:05:00.000Z');

/** `holder kind expires | manual` to whether HUB01 has to stay away. */
const CASES: readonly [string, string | undefined, boolean, boolean][] = [
  ['nobody', undefined, false, false],
  ['what is no lease', '{"holder":3}', false, false],
  ['itself', formatEdgeSyncLease({ holder: 'hub01', kind: 'Lock', expires: LATER }), false, false],
  ['the lock of another', formatEdgeSyncLease({ holder: 'HUB02', kind: 'Lock', expires: LATER }), false, true],
  ['the lock of another, by hand', formatEdgeSyncLease({ holder: 'HUB02', kind: 'Lock', expires: LATER }), true, true],
  ['the option of another', formatEdgeSyncLease({ holder: 'HUB02', kind: 'Option', expires: LATER }), false, true],
  [
    'the option of another, by hand',
    formatEdgeSyncLease({ holder: 'HUB02', kind: 'Option', expires: LATER }),
    true,
    false,
  ],
  ['a lock that has just ended', formatEdgeSyncLease({ holder: 'HUB02', kind: 'Lock', expires: NOW }), false, false],
];

describe('who stands in the way of HUB01', () => {
  it.each(CASES)('%s', (_who, text, isManual, isHeld) => {
    expect(findHolder(text, { hubName: 'HUB01', isManual }, NOW) !== undefined).toBe(isHeld);
  });
});
