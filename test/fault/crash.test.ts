// Fault: a short run of the crash harness (npm run test:crash has the long one): kills at numbered steps, in recovery and at
// random, syncs that fail. Nothing is lost, altered or doubled outside the window.

import { expect, it } from 'vitest';
import { Chance } from '../crash/chance.ts';
import { Progress } from '../crash/progress.ts';
import { findFaultsOf, runFaults } from '../crash/run.ts';
import { CAN_STRACE } from '../helpers/strace.ts';

it.skipIf(!CAN_STRACE)(
  'a pair that is killed again and again loses and alters nothing (needs strace)',
  {
    timeout: 900_000,
  },
  async () => {
    const seed = Date.now() % 1_000_000;
    const progress = new Progress();
    const verdict = await runFaults({ steps: 4, recovery: 2, syncs: 1, random: 4, chance: new Chance(seed), progress });
    expect(findFaultsOf(verdict), `seed ${seed}`).toEqual([]);
    expect(verdict.kills).toBeGreaterThanOrEqual(2 * (4 + 2 + 1) + 4);
    expect(verdict.acknowledged).toBeGreaterThan(verdict.kills);
  },
);
