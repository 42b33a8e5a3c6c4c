// What docs/scale.md calculates: by hand for round figures, and what must hold for any.

import { assert, double, property } from 'fast-check';
import { expect, it } from 'vitest';
import { type Assumptions, type Costs, sizeFor } from '../../../bench/machines/sizing.ts';
import { ASSUMED, formatSizing } from '../../../bench/machines/sizing-table.ts';

const COSTS: Costs = { nodeCpuMs: 5, databaseCpuMs: 2, transactions: 0.5, walBytes: 200_000, storedBytes: 100_000 };
const ROUND: Assumptions = {
  messageBytes: 100_000,
  peakFactor: 10,
  busyHourFactor: 6,
  utilisation: 0.5,
  spareNodes: 1,
  connectionsPerNode: 9,
  outageHours: 2,
  walDays: 2,
  copies: 2,
  primaryCores: 16,
  primaryWalBytes: 300e6,
  coreHour: 0.1,
  gigabyteMonth: 0.2,
};

it('follows from the figures, by hand', () => {
  // 86.4 million: 1000 a second, 10 000 in the busiest; 2 GB/s of WAL are seven primaries.
  const sizing = sizeFor(86_400_000, COSTS, ROUND);
  expect(sizing).toMatchObject({
    meanPerSecond: 1000,
    peakPerSecond: 10_000,
    groups: 7,
    // 100 cores by half, 15 for each group, and a spare one.
    nodes: 7 * 16,
    // 40 cores by half, 6 for each.
    databaseCores: 42,
    connections: 1008,
    transactionsPerSecond: 5000,
    walBytesPerSecond: 2e9,
    mailBytesPerSecond: 1e9,
    // Half of the day waits, and the WAL of two days.
    diskBytes: 43_200_000 * 100_000 + 2 * 86_400_000 * 200_000,
  });
  const cores = 112 + 84;
  const month = cores * 730 * 0.1 + (sizing.diskBytes / 1e9) * 2 * 0.2;
  expect(sizing.costPerMillion).toBeCloseTo(month / (86.4 * (365 / 12)), 6);
});

it('has a node to spare and a database however little mail there is', () => {
  expect(sizeFor(1, COSTS, ROUND)).toMatchObject({ groups: 1, nodes: 2, databaseCores: 1, connections: 18 });
});

it('never lets a day wait twice, and never asks less for more mail', () => {
  const perDay = double({ min: 1, max: 1e9, noNaN: true });
  assert(
    property(perDay, perDay, double({ min: 0, max: 48, noNaN: true }), (one, other, outageHours) => {
      const assumed = { ...ROUND, outageHours, walDays: 0 };
      const [less, more] = [Math.min(one, other), Math.max(one, other)].map((each) => sizeFor(each, COSTS, assumed));
      if (!less || !more) throw new Error('two sizings');
      expect(more.diskBytes).toBeLessThanOrEqual(more.perDay * COSTS.storedBytes);
      for (const key of ['nodes', 'databaseCores', 'groups', 'diskBytes', 'connections'] as const) {
        expect(more[key]).toBeGreaterThanOrEqual(less[key]);
      }
    }),
  );
});

it('keeps every primary within what it has', () => {
  assert(
    property(double({ min: 1, max: 1e9, noNaN: true }), (perDay) => {
      const { groups, databaseCores, walBytesPerSecond } = sizeFor(perDay, COSTS, ROUND);
      expect(databaseCores / groups).toBeLessThanOrEqual(ROUND.primaryCores);
      expect(walBytesPerSecond / groups).toBeLessThanOrEqual(ROUND.primaryWalBytes * (1 + 1e-9));
    }),
  );
});

it('prints what it assumed and a column for each number of messages', () => {
  const text = formatSizing(COSTS);
  expect(text).toContain('| messages a day | 1 million | 10 million | 100 million |');
  for (const value of [ASSUMED.peakFactor, ASSUMED.outageHours, ASSUMED.coreHour]) expect(text).toContain(` ${value} `);
});
