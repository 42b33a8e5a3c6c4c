// SIGKILL at random moments while mail flows both ways, now and then of both servers at once or of one that is starting.

import { setTimeout as pause } from 'node:timers/promises';
import { MailFlow, type SentMessage } from '../helpers/mail-flow.ts';
import type { Role } from '../helpers/servers.ts';
import type { Chance } from './chance.ts';
import { type CrashPair, ROLES, WAYS } from './crash-pair.ts';
import type { Letter } from './letter.ts';
import type { Progress } from './progress.ts';

export interface RandomOptions {
  readonly pair: CrashPair;
  readonly kills: number;
  readonly chance: Chance;
  readonly progress: Progress;
}

const MAX_RUN_MS = 1500;
const MAX_START_MS = 1200;
/** Released each way for each kill. */
const LETTERS_A_KILL = 60;
/** So often the queues are let run empty. */
const KILLS_BETWEEN_PAUSES = 10;

/** False: something stays out in the end. */
export async function killAtRandom({ pair, kills, chance, progress }: RandomOptions): Promise<boolean> {
  const flows = WAYS.map((way) => {
    const enter = (message: SentMessage): void => pair.ledger.add(letterOf(message, way.domain));
    return new MailFlow(pair.servers.ports[way.role], way, enter);
  });
  let isWhole = true;
  for (let done = 0; done < kills && isWhole; ) {
    for (const flow of flows) flow.release(LETTERS_A_KILL);
    await pause(chance.below(MAX_RUN_MS));
    const victims = chance.below(5) === 0 ? ROLES : [ROLES[chance.below(2)] ?? 'hub'];
    done += (await Promise.all(victims.map((role) => killAndStart({ pair, role, chance, progress })))).reduce(
      (a, b) => a + b,
    );
    if (done % KILLS_BETWEEN_PAUSES < 2 || done >= kills) {
      for (const flow of flows) await flow.untilIdle();
      isWhole = await pair.settle();
    }
  }
  for (const flow of flows) await flow.stop();
  return isWhole;
}

interface Victim {
  readonly pair: CrashPair;
  readonly role: Role;
  readonly chance: Chance;
  readonly progress: Progress;
}

/** Returns how often it was killed until it was up again. */
async function killAndStart({ pair, role, chance, progress }: Victim): Promise<number> {
  await pair.kill(role, 'a random moment');
  progress.count(`${role} at a random moment`);
  if (chance.below(4) > 0) return pair.start(role).then(() => 1);
  const starting = pair.start(role).catch(() => undefined);
  await pause(chance.below(MAX_START_MS));
  await pair.kill(role, 'a random moment of its start');
  await starting;
  progress.count(`${role} at a random moment of its start`);
  await pair.start(role);
  return 2;
}

function letterOf(message: SentMessage, domain: string): Letter {
  const { number, sizeBytes, sha256, startedAtMs } = message;
  return {
    id: `flow-${number}@${domain}`,
    recipients: [`n${number}@${domain}`],
    sizeBytes,
    sha256,
    startedAtMs,
    get answer() {
      return message.isAcknowledged ? 'taken' : 'none';
    },
  };
}
