// Each fsync and fdatasync of a round is made to fail (EIO), once; then again with all that follow it, and the server is
// killed while they still fail. What was answered 250 must arrive once, what was answered 4xx never.

import type { Role } from '../helpers/servers.ts';
import { failAtCall } from '../helpers/strace.ts';
import type { CrashPair } from './crash-pair.ts';
import type { Progress } from './progress.ts';
import { type Step, SYNC_CALLS, threadOf } from './steps.ts';

/** Those steps that are syncs. */
export function syncsAmong(steps: readonly Step[]): Step[] {
  return steps.filter(({ call }) => SYNC_CALLS.split(',').includes(call));
}

/** False: something stays out in the end. */
export async function failSyncs(
  pair: CrashPair,
  role: Role,
  syncs: readonly Step[],
  progress: Progress,
): Promise<boolean> {
  for (const sync of syncs) {
    for (const lasts of ['once', 'from then on'] as const) {
      const which = { call: sync.call, nth: lasts === 'once' ? `${sync.nth}` : `${sync.nth}+` };
      const attached = await failAtCall(threadOf(pair.servers.pid(role), sync), which, 'EIO');
      await pair.sendRound();
      if (lasts === 'once') await pair.settle();
      else await pair.kill(role, `a failing ${sync.what}`);
      await attached.detach();
      progress.count(`${role}: ${sync.what} fails ${lasts}`);
      if (lasts !== 'once') await pair.start(role);
      if (!(await pair.settle())) return false;
    }
  }
  return true;
}
