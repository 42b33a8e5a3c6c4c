// Fault: a short run of the fuzzer (npm run fuzz has the long one): nothing breaks, nothing hangs, others are served.

import { describe, expect, it } from 'vitest';
import { fitSlope } from '../fuzz/memory-slope.ts';
import { runFuzz, TARGETS } from '../fuzz/run.ts';

const MIB = 1024 * 1024;

describe('the fuzzer', () => {
  it.each(Object.keys(TARGETS))('finds no input that breaks: %s', { timeout: 300_000 }, async (word) => {
    const [report] = await runFuzz({ seed: 20261126, targets: [word], runs: 250, say: () => undefined });
    expect(report?.faults).toEqual([]);
    expect(report?.runs).toBe(250);
  });

  it('makes the same input of the same seed', async () => {
    const seen: string[][] = [];
    for (const first of [1, 1, 2]) {
      const inputs: string[] = [];
      const target = {
        name: 'none',
        run: async (chance: { below(limit: number): number }) => void inputs.push(String(chance.below(1_000_000))),
        checkService: async () => undefined,
        close: async () => undefined,
      };
      await runFuzz({ seed: 7, targets: ['none'], runs: 3, first, say: () => undefined }, { none: async () => target });
      seen.push(inputs);
    }
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[2]?.slice(0, 2)).toEqual(seen[0]?.slice(1));
  });

  it.each([
    ['says what is wrong', async () => 'wrong', 'wrong'],
    [
      'throws',
      async () => {
        throw new Error('broken');
      },
      'throws Error: broken',
    ],
  ])('reports a target that %s, and how to have it again', async (_how, run, fault) => {
    const target = { name: 'bad', run, checkService: async () => undefined, close: async () => undefined };
    const plan = { seed: 7, targets: ['bad'], runs: 2, first: 5, say: () => undefined };
    const [report] = await runFuzz(plan, { bad: async () => target });
    expect(report?.faults).toHaveLength(2);
    expect(report?.faults[1]).toMatch(/^bad: --seed 7 --target bad --first 6: /);
    expect(report?.faults[1]).toContain(fault);
  });

  it('reports a target that no longer serves', async () => {
    const target = {
      name: 'dead',
      run: async () => undefined,
      checkService: async () => 'refused',
      close: async () => undefined,
    };
    const plan = { seed: 7, targets: ['dead'], runs: 1, say: () => undefined };
    const [report] = await runFuzz(plan, { dead: async () => target });
    expect(report?.faults.at(-1)).toBe('dead, after all: refused');
  });

  it('measures how memory grows, after the warm-up', () => {
    const growing = (runs: number) => ({ runs, residentBytes: runs < 300 ? 0 : (100 + runs / 100) * MIB });
    expect(fitSlope(Array.from({ length: 10 }, (_, index) => growing(index * 100)))).toBeCloseTo(100);
    expect(fitSlope(Array.from({ length: 10 }, (_, index) => ({ runs: index, residentBytes: MIB })))).toBe(0);
    expect(fitSlope([growing(0), growing(1)])).toBeUndefined();
  });
});
