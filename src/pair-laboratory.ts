// What `relaypair up` is handed for its laboratory: a world outside with mailboxes inside, and the door by which a page commands the
// two servers together.

import { rmSync } from 'node:fs';
import { SystemClock } from './clock.ts';
import { AccessTokens } from './cmdlets/access-tokens.ts';
import { Laboratory } from './lab/laboratory.ts';
import { LABORATORY_CMDLETS } from './lab/laboratory-cmdlets.ts';
import { OUTSIDE } from './lab/letter.ts';
import { Sink } from './lab/sink.ts';
import { openLog } from './log.ts';
import { SCENARIO_CMDLETS } from './scenarios/scenario-cmdlets.ts';
import type { LaboratoryDoor, LaboratoryWish, World } from './shell/doors.ts';
import { ServerLogFile } from './storage/server-log-file.ts';
import { readVersion } from './version.ts';
import { openLabDoor } from './web/lab-door.ts';

/** What arrived is looked at by nobody but the next few letters' senders. */
const KEPT_LETTERS = 100;

export async function openWorld(): Promise<World> {
  const keep = { atMost: KEPT_LETTERS };
  const [inside, outside] = await Promise.all([Sink.open(undefined, keep), Sink.open(undefined, keep)]);
  const at = ({ port }: Sink) => ({ host: '127.0.0.1', port });
  return {
    domain: OUTSIDE,
    inside: at(inside),
    outside: at(outside),
    close: async () => {
      await Promise.all([inside.close(), outside.close()]);
    },
  };
}

/** Throws Problem `listen-failed`. */
export async function openLaboratory(wish: LaboratoryWish): Promise<LaboratoryDoor> {
  const clock = new SystemClock();
  const laboratory = new Laboratory(wish);
  // The token of an earlier run opens nothing any more.
  rmSync(wish.tokenFile, { force: true });
  const tokens = AccessTokens.open(wish.tokenFile);
  const token = tokens.add({ name: 'page', access: 'ReadWrite', createdAt: clock.now() });
  const door = await openLabDoor({
    listen: wish.listen,
    allowedOrigins: wish.allowedOrigins,
    tokens,
    cmdlets: [...LABORATORY_CMDLETS, ...SCENARIO_CMDLETS],
    context: laboratory,
    clock,
    log: openLog({
      level: 'info',
      clock,
      role: 'laboratory',
      destination: new ServerLogFile({ path: wish.logFile, isOwner: true }),
    }),
    version: readVersion(),
  });
  return {
    token,
    close: async () => {
      await door.close();
      await laboratory.close();
    },
  };
}
