// A failover on purpose, step by step: each ends by what is seen and none by a time, and what counts at each is counted in the spool's
// database (spool-drills.ts). Whatever happens on the way, in the end the node takes mail again and nobody hands in more.

import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../clock.ts';
import { Problem } from '../problem.ts';
import type { DrillCount, DrillStage } from '../spool/spool-drills.ts';
import type { SpoolNode, SpoolNodes } from '../spool/spool-nodes.ts';
import type { CmdletCall } from './cmdlet.ts';
import { isTakingMail } from './node-record.ts';

export interface FailoverOptions {
  readonly nodes: SpoolNodes;
  readonly clock: Clock;
  readonly victim: SpoolNode;
  /** The victim's process ends without a word; otherwise it hands over, and is let in again at the end. */
  readonly isKill: boolean;
  /** The node that asks. */
  readonly by: string;
  /** Longest time that one step may take, in milliseconds. */
  readonly limitMs: number;
  readonly call: CmdletCall;
}

/** What was seen at the end of a step. */
export interface FailoverStep {
  readonly name: string;
  readonly at: Date;
  readonly count: DrillCount;
  readonly nodes: readonly SpoolNode[];
}

export interface FailoverResult {
  readonly steps: readonly FailoverStep[];
  /** What did not come about in time; the steps after it were left out. */
  readonly stalled: string | undefined;
}

type Look = Omit<FailoverStep, 'name'>;

/** So many messages of a node are a step. */
const SHARE = 20;
const LOOK_MS = 300;

export async function testFailover(options: FailoverOptions): Promise<FailoverResult> {
  const drill = await options.nodes.drills.begin(options.by);
  const test = new FailoverTest(options, drill);
  try {
    return await test.run();
  } finally {
    await test.tidyUp();
  }
}

class FailoverTest {
  readonly #options: FailoverOptions;
  readonly #drill: string;
  readonly #steps: FailoverStep[] = [];
  #isSuspended = false;

  constructor(options: FailoverOptions, drill: string) {
    this.#options = options;
    this.#drill = drill;
  }

  async run(): Promise<FailoverResult> {
    let stalled: string | undefined;
    try {
      await this.#goThrough();
    } catch (error) {
      if (!(error instanceof Stall)) throw error;
      stalled = error.message;
      await this.#stop('Stalled').catch(() => undefined);
    }
    return { steps: this.#steps, stalled };
  }

  /** Lets the victim take mail again, and ends the drill. */
  async tidyUp(): Promise<void> {
    const { nodes, victim } = this.#options;
    try {
      if (this.#isSuspended) await nodes.resume(victim);
    } finally {
      await nodes.drills.end(this.#drill);
    }
  }

  async #goThrough(): Promise<void> {
    const { victim, isKill } = this.#options;
    const name = isKill ? 'killed' : 'drained';
    await this.#step('Before', 'mail at every node', ({ count, nodes }) =>
      nodes.filter(isTakingMail).every((node) => share(count, node.name).delivered >= SHARE),
    );
    await this.#conduct('hold');
    await this.#step(
      'Loaded',
      `mail that ${victim.name} holds`,
      ({ count }) => share(count, victim.name).held >= SHARE,
    );
    const before = await this.#look();
    await this.#strike();
    await this.#step('During', 'mail at the other nodes', this.#haveOthersGoneOn(before));
    const after = await this.#step('Over', `the end of ${victim.name}, ${name}`, ({ nodes }) => this.#isOver(nodes));
    await this.#step('After', 'mail at the other nodes', this.#haveOthersGoneOn(after));
    if (!isKill) await this.#bringBack();
    await this.#stop('End');
  }

  /** From now on the next hop takes mail again, but not from who is killed. */
  async #strike(): Promise<void> {
    const { nodes, victim, isKill, by } = this.#options;
    if (isKill && victim.id !== undefined) return nodes.drills.conduct(this.#drill, { stage: 'flow', kill: victim.id });
    this.#isSuspended = true;
    await nodes.suspend(victim, by);
    await this.#conduct('flow');
  }

  #isOver(nodes: readonly SpoolNode[]): boolean {
    const { victim, isKill } = this.#options;
    const row = nodes.find(({ id }) => id === victim.id);
    return isKill ? row === undefined : row?.report?.stage === 'drained' && row.messages === 0;
  }

  async #bringBack(): Promise<void> {
    const { nodes, victim } = this.#options;
    const before = await this.#look();
    await nodes.resume(victim);
    this.#isSuspended = false;
    await this.#step('Back', `mail at ${victim.name}`, ({ count }) => {
      return share(count, victim.name).accepted >= share(before.count, victim.name).accepted + SHARE;
    });
  }

  /** Nobody hands in more, and what is there leaves. */
  async #stop(name: string): Promise<void> {
    await this.#conduct('stop');
    let accepted = -1;
    await this.#step(name, 'the last of the mail', ({ count }) => {
      const isSettled = count.waiting === 0 && count.accepted === accepted;
      accepted = count.accepted;
      return isSettled;
    });
  }

  #haveOthersGoneOn(before: Look): (look: Look) => boolean {
    const { victim } = this.#options;
    return ({ count, nodes }) =>
      nodes
        .filter((node) => isTakingMail(node) && node.server !== victim.server)
        .every(({ name }) => share(count, name).accepted >= share(before.count, name).accepted + SHARE);
  }

  async #conduct(stage: DrillStage): Promise<void> {
    await this.#options.nodes.drills.conduct(this.#drill, { stage });
  }

  /** Looks until `isThere`; throws a Stall when that takes too long. */
  async #step(name: string, what: string, isThere: (look: Look) => boolean): Promise<Look> {
    const { call, limitMs } = this.#options;
    const endMs = performance.now() + limitMs;
    for (;;) {
      const look = await this.#look();
      if (isThere(look)) {
        this.#steps.push({ name, ...look });
        call.progress(describeStep(name, look.count));
        return look;
      }
      if (performance.now() > endMs) {
        this.#steps.push({ name, ...look });
        throw new Stall(`${what} did not come about`);
      }
      if (call.signal.aborted) throw new Problem('cancelled', 'the failover test was broken off');
      await delay(LOOK_MS);
    }
  }

  async #look(): Promise<Look> {
    const { nodes, clock } = this.#options;
    await nodes.drills.conduct(this.#drill);
    const list = await nodes.list();
    return { at: clock.now(), count: await nodes.drills.count(this.#drill), nodes: list };
  }
}

/** A step did not end. */
class Stall extends Error {}

function share({ nodes }: DrillCount, name: string): Omit<DrillCount['nodes'][number], 'name'> {
  return nodes.find((node) => node.name === name) ?? { accepted: 0, delivered: 0, held: 0 };
}

function describeStep(name: string, { accepted, delivered, waiting, duplicated, lost }: DrillCount): string {
  return `${name}: ${accepted} accepted, ${delivered} delivered, ${waiting} waiting, ${duplicated} duplicated, ${lost} lost`;
}
