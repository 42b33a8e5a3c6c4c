import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  diskThresholds,
  highestLevel,
  nextLevel,
  PRESSURE_LEVELS,
  type PressureLevel,
} from '../../../src/transport/pressure.ts';

const THRESHOLDS = { lowToMedium: 72, mediumToHigh: 75, highToMedium: 73, mediumToLow: 71 };
const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe('nextLevel', () => {
  it.each<[PressureLevel, number, PressureLevel]>([
    ['Normal', 72, 'Normal'],
    ['Normal', 72.1, 'Medium'],
    ['Normal', 76, 'High'],
    ['Medium', 71.5, 'Medium'],
    ['Medium', 71, 'Medium'],
    ['Medium', 70.9, 'Normal'],
    ['Medium', 75.1, 'High'],
    ['High', 74, 'High'],
    ['High', 73, 'High'],
    ['High', 72.5, 'Medium'],
    ['High', 71.5, 'Medium'],
    ['High', 10, 'Normal'],
  ])('%s at %d becomes %s', (level, pressure, expected) => {
    expect(nextLevel(level, pressure, THRESHOLDS)).toBe(expected);
  });

  it('does not flap: a value that stays where it is changes the level once at most', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PRESSURE_LEVELS), fc.double({ min: 0, max: 100, noNaN: true }), (level, value) => {
        const settled = nextLevel(level, value, THRESHOLDS);
        expect(nextLevel(settled, value, THRESHOLDS)).toBe(settled);
      }),
    );
  });
});

describe('diskThresholds', () => {
  const limits = { diskMedium: 500 * MIB, diskHigh: 200 * MIB };

  it('takes the limits as free octets on a large disk', () => {
    expect(diskThresholds(1000 * GIB, limits)).toMatchObject({
      lowToMedium: 1000 * GIB - 500 * MIB,
      mediumToHigh: 1000 * GIB - 200 * MIB,
    });
  });

  it('takes 4 and 1 percent where the disk is smaller than that would make sense for', () => {
    expect(diskThresholds(GIB, limits)).toMatchObject({ lowToMedium: GIB * 0.96, mediumToHigh: GIB * 0.99 });
  });

  it('orders its thresholds on every disk, whatever the limits', () => {
    const bytes = fc.integer({ min: 0, max: 2 ** 50 });
    fc.assert(
      fc.property(bytes, bytes, bytes, (total, a, b) => {
        const limits = { diskMedium: Math.max(a, b), diskHigh: Math.min(a, b) };
        const { lowToMedium, mediumToHigh, highToMedium, mediumToLow } = diskThresholds(total, limits);
        expect(mediumToHigh).toBeGreaterThanOrEqual(lowToMedium);
        expect(mediumToHigh).toBeGreaterThanOrEqual(highToMedium);
        expect(highToMedium).toBeGreaterThanOrEqual(lowToMedium);
        expect(lowToMedium).toBeGreaterThanOrEqual(mediumToLow);
      }),
    );
  });
});

describe('highestLevel', () => {
  it('is the worst, and Normal where nothing was measured', () => {
    expect(highestLevel(['Normal', 'High', 'Medium'])).toBe('High');
    expect(highestLevel([])).toBe('Normal');
  });
});
