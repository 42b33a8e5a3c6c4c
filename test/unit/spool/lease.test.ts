import { describe, expect, it } from 'vitest';
import { type Beat, Lease, LeaseWatch } from '../../../src/spool/lease.ts';

const at = (monotonicMs: number, wallMs = monotonicMs) => ({ monotonicMs, wallMs });
const beat = (number: number): Beat => ({ holder: 7, beat: number, leaseMs: 100 });

describe('a lease', () => {
  it('lasts from when its last beat was sent', () => {
    const lease = new Lease(100, at(0));
    expect([lease.isValid(at(99)), lease.isValid(at(100))]).toEqual([true, false]);
    lease.extend(at(50));
    expect([lease.isValid(at(149)), lease.isValid(at(150))]).toEqual([true, false]);
  });

  it('is not believed in where either clock says that it is over', () => {
    const lease = new Lease(100, at(0, 1000));
    expect(lease.isValid(at(10, 1100))).toBe(false);
    expect(lease.isValid(at(100, 900))).toBe(false);
    expect(lease.isValid(at(10, 500))).toBe(true);
  });
});

/** Looks every twenty milliseconds, which a lease of a hundred has five of; those that held it for dead. */
function look(watch: LeaseWatch, seen: Beat, fromMs: number, toMs: number): number[] {
  const dead: number[] = [];
  for (let now = fromMs; now <= toMs; now += 20) {
    if (watch.note([seen], { askedMs: now, answeredMs: now }).length > 0) dead.push(now);
  }
  return dead;
}

describe('who watches a holder', () => {
  it('takes it for dead after one beat has stood still for more than its lease', () => {
    const watch = new LeaseWatch();
    expect(watch.note([beat(1)], { askedMs: 0, answeredMs: 10 })).toEqual([]);
    expect(look(watch, beat(1), 30, 110)).toEqual([]);
    expect(watch.note([beat(1)], { askedMs: 111, answeredMs: 120 })).toEqual([beat(1)]);
  });

  it('begins anew with each beat, however long it has slept itself', () => {
    const watch = new LeaseWatch();
    watch.note([beat(1)], { askedMs: 0, answeredMs: 10 });
    expect(look(watch, beat(2), 100_000, 100_100)).toEqual([]);
    expect(look(watch, beat(2), 100_101, 100_101)).toEqual([100_101]);
  });

  it('begins anew when it could read nothing for half a lease, since nobody could beat either', () => {
    const watch = new LeaseWatch();
    expect(look(watch, beat(1), 0, 80)).toEqual([]);
    expect(look(watch, beat(1), 131, 231)).toEqual([]);
    expect(look(watch, beat(1), 232, 232)).toEqual([232]);
  });

  it('does not forget for a single look that failed', () => {
    const watch = new LeaseWatch();
    expect(look(watch, beat(1), 0, 40)).toEqual([]);
    expect(look(watch, beat(1), 90, 130)).toEqual([110, 130]);
  });

  it('forgets who is gone, so that who comes back is not judged by its past', () => {
    const watch = new LeaseWatch();
    watch.note([beat(1)], { askedMs: 0, answeredMs: 0 });
    watch.note([], { askedMs: 50, answeredMs: 50 });
    expect(watch.note([beat(1)], { askedMs: 200, answeredMs: 200 })).toEqual([]);
  });

  it('never outpaces the holder: it is dead to others only after it has stopped by itself', () => {
    // The beat is sent at 40 and seen at 41 at the earliest; whoever saw it then judges after 141, and the holder stops at 140.
    const lease = new Lease(100, at(40));
    const watch = new LeaseWatch();
    watch.note([beat(1)], { askedMs: 39, answeredMs: 41 });
    for (let now = 42; watch.note([beat(1)], { askedMs: now, answeredMs: now }).length === 0; now += 1) {
      expect(now).toBeLessThanOrEqual(141);
    }
    expect(lease.isValid(at(140))).toBe(false);
  });
});
