// Fault: the power goes, once everything went well before and once a sync had failed. What was acknowledged is found by the
// spool's recovery on a disk that holds what was synced, and of the rest nothing, everything or something torn.

import { describe, expect, it } from 'vitest';
import { Chance } from '../crash/chance.ts';
import { cutPower } from '../crash/power-cut.ts';
import { CAN_STRACE } from '../helpers/strace.ts';

describe.skipIf(!CAN_STRACE)('a spool whose power is cut (needs strace)', () => {
  it.each([
    ['while all goes well', undefined],
    ['after the sync of a body failed', { call: 'fdatasync', nth: 1 } as const],
    ['after the syncs of the journal and of a folder failed', { call: 'fsync', nth: 4 } as const],
  ])('%s has all that it had acknowledged, whole', { timeout: 600_000 }, async (_name, failing) => {
    const seed = Date.now() % 1_000_000;
    const report = await cutPower({ cuts: 12, chance: new Chance(seed), ...(failing !== undefined && { failing }) });
    expect(report.faults, `seed ${seed}`).toEqual([]);
    expect(report.cuts).toBe(36);
    expect(report.acknowledged).toBeGreaterThan(15);
  });
});
