// A run over the nodes of a site: who is killed how often, and what is to be said of the mail afterwards.

import { setTimeout as pause } from 'node:timers/promises';
import type { NodeSite } from '../helpers/node-site.ts';
import { eventually } from '../helpers/server-processes.ts';
import { Chance } from './chance.ts';
import type { Ledger, Verdict } from './ledger.ts';
import type { Cards } from './letter.ts';
import { type KillPlan, killPrimaries, liveAndDie } from './node-kills.ts';
import { NodeMail } from './node-mail.ts';
import { countLeft } from './node-spools.ts';
import type { Progress } from './progress.ts';

/** As long as something still comes, it may take its time. */
const PATIENCE_MS = 180_000;

export interface NodeRunPlan {
  readonly nodes: NodeSite;
  readonly ledger: Ledger;
  readonly nodeKills: number;
  readonly primaryKills: number;
  /** Letters a second into each node. */
  readonly rate: number;
  readonly seed: number;
  readonly progress: Progress;
  /** Kills nobody any more and says what came of it so far. */
  readonly stop?: AbortSignal;
}

export interface NodeVerdict extends Verdict {
  readonly nodeKills: number;
  readonly primaryKills: number;
  /** Answers by which a letter was refused for now: their codes, and how often. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Messages that the spools still held when nothing came any more. */
  readonly left: number;
}

/** Kills until both numbers are reached, waits until everything has arrived, and judges. */
export async function runNodes(plan: NodeRunPlan): Promise<NodeVerdict> {
  const { nodes, ledger, seed, progress } = plan;
  const mail = new NodeMail({ site: nodes.site, ledger, rate: plan.rate });
  const isOver = (): boolean => plan.stop?.aborted === true || isEnough(plan);
  const kills: KillPlan = { nodes, ledger, progress, isOver };
  const sayNow = (): void => progress.say(describe(plan, mail));
  const timer = setInterval(sayNow, 60_000);
  try {
    await Promise.all([
      ...nodes.names.map((name, index) => liveAndDie(name, new Chance(seed + index), kills)),
      killPrimaries(new Chance(seed - 1), kills),
    ]);
  } finally {
    clearInterval(timer);
    await mail.stop();
  }
  sayNow();
  return concludeNodes(plan, mail.refusals);
}

/** Waits until everything has arrived, and judges. */
export async function concludeNodes(
  { nodes, ledger, progress }: Pick<NodeRunPlan, 'nodes' | 'ledger' | 'progress'>,
  refusals: readonly string[],
): Promise<NodeVerdict> {
  const left = await settle({ nodes, ledger, progress });
  return { ...ledger.judge(cardsOf(nodes)), ...countKills(ledger), left, refusals: countByCode(refusals) };
}

function isEnough({ ledger, nodeKills, primaryKills }: NodeRunPlan): boolean {
  const done = countKills(ledger);
  return done.nodeKills >= nodeKills && done.primaryKills >= primaryKills;
}

/** A kill of the primary is entered for both roles. */
function countKills({ kills }: Ledger): { nodeKills: number; primaryKills: number } {
  const primary = kills.filter(({ node }) => node === 'primary').length;
  return { nodeKills: kills.length - primary, primaryKills: primary / 2 };
}

/** Waits until both spools are empty; how many messages they hold when nothing moves any more. */
async function settle({
  nodes,
  ledger,
  progress,
}: Pick<NodeRunPlan, 'nodes' | 'ledger' | 'progress'>): Promise<number> {
  for (;;) {
    const before = { missing: ledger.missing().length, left: await countLeft(nodes.database.primary) };
    if (before.missing === 0 && before.left === 0) return 0;
    try {
      await eventually(
        'one more',
        async () => {
          const left = await countLeft(nodes.database.primary);
          return ledger.missing().length < before.missing || left !== before.left || undefined;
        },
        PATIENCE_MS,
      );
    } catch {
      progress.say(`nothing comes any more: ${ledger.missing().slice(0, 20).join()} did not arrive`);
      return before.left;
    }
    await pause(100);
  }
}

function cardsOf({ site }: NodeSite): Cards {
  const of = (names: readonly string[]): Cards['hub'] =>
    names.flatMap((node) => site.cards(node).map((card) => ({ ...card, node })));
  return { hub: of(site.hubs), edge: of(site.edges) };
}

function countByCode(replies: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reply of replies) {
    const code = /^\d{3} \d\.\d+\.\d+/.exec(reply)?.[0] ?? reply.slice(0, 3);
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

function describe({ ledger }: NodeRunPlan, mail: NodeMail): string {
  const { nodeKills, primaryKills } = countKills(ledger);
  const letters = [...ledger.letters.values()];
  const taken = letters.filter(({ answer }) => answer === 'taken').length;
  return [
    `${nodeKills} kills of nodes, ${primaryKills} of the primary`,
    `${letters.length} letters, ${taken} acknowledged, ${mail.refusals.length} refused for now`,
    `${ledger.missing().length} on their way`,
  ].join('; ');
}

/** Whatever must not be; empty when all is well. */
export function findFaultsOfNodes({ lost, strange, duplicates, left }: NodeVerdict): string[] {
  return [
    ...lost.map((key) => `lost: ${key}`),
    ...strange,
    ...(left > 0 ? [`${left} messages are left in the spools`] : []),
    ...duplicates
      .filter(({ isAllowed }) => !isAllowed)
      .map(({ key, copies, because }) => `doubled outside the window: ${key}, ${copies} copies, ${because.join('; ')}`),
  ];
}
