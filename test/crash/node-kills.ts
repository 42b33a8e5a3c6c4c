// What is done to a site of nodes while mail flows: each node lives and dies by itself, at random moments of its work and of its
// start, and comes back at once or after others have taken over from it; the primary of the database dies, and is started again or
// replaced by its standby, now and then with the former one back beside it.

import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NodeSite } from '../helpers/node-site.ts';
import { waitUntil } from '../helpers/wait.ts';
import type { Chance } from './chance.ts';
import type { Ledger } from './ledger.ts';
import type { Kill } from './letter.ts';
import { readPending } from './node-spools.ts';
import type { Progress } from './progress.ts';

/** Everything that was acknowledged has a moment to be on its way. */
const MAX_LIFE_MS = 9000;
const MAX_START_MS = 2500;
/** Longer than the lease of the nodes, in leases: others take over. */
const LONG_DEATH = 1.3;
const MAX_PRIMARY_LIFE_MS = 10_000;
/** No primary dies before so many letters more were acknowledged: there is mail under way at each death. */
const LETTERS_A_PRIMARY = 20;
const FORMER_BESIDE_MS = 3000;

export interface KillPlan {
  readonly nodes: NodeSite;
  readonly ledger: Ledger;
  readonly progress: Progress;
  /** Kills nobody any more. */
  readonly isOver: () => boolean;
}

/** One node until it is over; it is up then. */
export async function liveAndDie(name: string, chance: Chance, plan: KillPlan): Promise<void> {
  let startedMs = 0;
  while (!plan.isOver()) {
    await pause(chance.below(MAX_LIFE_MS));
    if (plan.isOver()) return;
    const kill = await killNode(name, { step: 'a random moment', startedMs }, plan);
    if (chance.below(4) === 0) await pause(LONG_DEATH * plan.nodes.leaseMs);
    startedMs = Date.now();
    if (chance.below(5) === 0) startedMs = await dieStarting(name, chance, plan);
    await startNode(name, plan);
    kill.upAgainMs = Date.now();
  }
}

/** Kills the primary and gets the database going again, until it is over. */
export async function killPrimaries(chance: Chance, plan: KillPlan): Promise<void> {
  for (let number = chance.below(2); !plan.isOver(); number += 1) {
    const enough = countTaken(plan.ledger) + LETTERS_A_PRIMARY;
    while (countTaken(plan.ledger) < enough && !plan.isOver()) await pause(200);
    await pause(chance.below(MAX_PRIMARY_LIFE_MS));
    if (plan.isOver()) return;
    await killPrimary(number % 2 === 0 ? 'promoted' : 'restarted', chance.below(3) === 0, plan);
  }
}

/** SIGKILL to everything that is the primary; `isFormerBack`: after it was replaced it runs again for a while beside its heir. */
async function killPrimary(
  then: 'promoted' | 'restarted',
  isFormerBack: boolean,
  { nodes, ledger, progress }: KillPlan,
): Promise<void> {
  const { database } = nodes;
  await database.primary.kill();
  const atMs = Date.now();
  const step = then === 'promoted' ? 'its death, its standby promoted' : 'its death, started again';
  // What the standby has is what was recorded: nobody changes anything before there is a primary again.
  const kills: Kill[] = [];
  for (const role of ['hub', 'edge'] as const) {
    const pending = await readPending(database.standby, role);
    kills.push({ role, node: 'primary', step, startedMs: 0, atMs, upAgainMs: Number.POSITIVE_INFINITY, pending });
  }
  ledger.kills.push(...kills);
  if (then === 'restarted') await database.primary.resume();
  else await database.promote();
  for (const kill of kills) kill.upAgainMs = Date.now();
  progress.count(`primary, ${then}`);
  if (then === 'restarted') {
    await waitUntil('the standby to follow again', async () => {
      const { rows } = await database.primary.query("SELECT FROM pg_stat_replication WHERE sync_state = 'sync'");
      return rows.length > 0;
    });
    return;
  }
  if (isFormerBack) {
    await database.former.resume();
    await pause(FORMER_BESIDE_MS);
    progress.say('the former primary was back beside the new one');
  }
  await database.replaceStandby();
}

/** SIGKILL now; resolves once the shared spool was asked what the victim held. */
export async function killNode(
  name: string,
  { step, startedMs }: Pick<Kill, 'step' | 'startedMs'>,
  { nodes, ledger, progress }: Omit<KillPlan, 'isOver'>,
): Promise<Kill> {
  const { role } = nodes.site.member(name);
  await nodes.site.stop(name, 'SIGKILL');
  const atMs = Date.now();
  // While there is no primary nobody changes it; the node is not started before the answer is there.
  const pending = await waitUntil(
    'what a dead node held',
    () => readPending(nodes.database.primary, role, name).catch(() => undefined),
    180_000,
  );
  const kill = { role, node: name, step, startedMs, atMs, upAgainMs: Number.POSITIVE_INFINITY, pending };
  ledger.kills.push(kill);
  progress.count(`${role} at ${step}`);
  return kill;
}

/** As a service manager does: again until it is up. A node that finds no database at its start says so and ends. */
async function startNode(name: string, { nodes, progress }: Pick<KillPlan, 'nodes' | 'progress'>): Promise<void> {
  const environment = { NODE_COMPILE_CACHE: join(nodes.site.folder, 'compiled') };
  let said: unknown;
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      await nodes.site.start(name, undefined, { environment });
      return;
    } catch (error) {
      said = error;
      if (attempt === 10) progress.say(`${name} does not start: ${String(error)}`);
      await pause(500);
    }
  }
  throw new Error(`${name} does not start any more`, { cause: said });
}

function countTaken({ letters }: Ledger): number {
  return [...letters.values()].filter(({ answer }) => answer === 'taken').length;
}

/** Returns when the start after it begins. */
async function dieStarting(name: string, chance: Chance, plan: KillPlan): Promise<number> {
  const startedMs = Date.now();
  const starting = startNodeOnce(name, plan);
  await pause(chance.below(MAX_START_MS));
  const kill = await killNode(name, { step: 'a random moment of its start', startedMs }, plan);
  await starting;
  kill.upAgainMs = Date.now() + MAX_START_MS;
  return Date.now();
}

function startNodeOnce(name: string, { nodes }: KillPlan): Promise<void> {
  return nodes.site.start(name).catch(() => undefined);
}
