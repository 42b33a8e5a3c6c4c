// Where mail of a failover on purpose ends (spool-drills.ts): at no server, but with a note in the spool's database that this node
// delivered it, as if a next hop had said 250. While the drill holds mail up, every delivery waits here, as before a hop that is slow.

import { setTimeout as delay } from 'node:timers/promises';
import type { SpoolDrills } from '../spool/spool-drills.ts';
import {
  factsWithoutPeer,
  type Hop,
  type HopConnection,
  type HopFacts,
  type OpenedHop,
  type Parcel,
  type RecipientOutcome,
} from './hop.ts';

/** No name under `.invalid` is ever anybody's (RFC 6761 §6.4). */
const DRILL_DOMAIN = 'failover.invalid';
const ADDRESS = /^([0-9a-f-]{36})@([0-9a-f-]{36})\.failover\.invalid$/;
/** How often is asked whether mail may go on, in milliseconds. */
const GATE_MS = 100;

/** One way for all of it. */
export const DRILL_HOP: Hop = {
  kind: 'drill',
  key: 'drill',
  deliveryType: 'FailoverTest',
  nextHopDomain: DRILL_DOMAIN,
  connector: 'Failover test',
};

/** The address of a piece of mail; both are UUIDs. */
export function drillAddress(drill: string, mail: string): string {
  return `${mail}@${drill}.${DRILL_DOMAIN}`;
}

export function isDrillAddress(address: string): boolean {
  return ADDRESS.test(address);
}

export function openDrillHop(drills: SpoolDrills | undefined, hop: Hop): OpenedHop {
  if (drills) return { kind: 'ready', connection: new DrillConnection(drills, hop) };
  return {
    kind: 'deferred',
    facts: factsWithoutPeer(hop),
    reply: '451 4.3.0 This server shares its spool with nobody',
  };
}

type Result = Omit<RecipientOutcome, 'index'>;

const COUNTED: Result = { status: 'delivered', reply: '250 2.1.5 Counted', isLocal: true, successAction: 'delivered' };
const OVER: Result = { status: 'failed', reply: '550 5.1.2 No such failover test is under way', isLocal: true };
const CUT_OFF: Result = { status: 'deferred', reply: '451 4.3.2 The server is stopping', isLocal: true };

class DrillConnection implements HopConnection {
  readonly facts: HopFacts;
  readonly #drills: SpoolDrills;
  #isCutOff = false;

  constructor(drills: SpoolDrills, hop: Hop) {
    this.#drills = drills;
    this.facts = { ...factsWithoutPeer(hop, 'failover test'), reason: 'local-delivery' };
  }

  get alive(): boolean {
    return !this.#isCutOff;
  }

  async deliver({ message, indexes, openBody }: Parcel): Promise<readonly RecipientOutcome[]> {
    const outcomes: RecipientOutcome[] = [];
    for (const index of indexes) {
      const address = message.recipients[index]?.address ?? '';
      outcomes.push({ index, ...(await this.#deliverTo(address, openBody)) });
    }
    return outcomes;
  }

  async #deliverTo(address: string, openBody: Parcel['openBody']): Promise<Result> {
    const [, mail = '', drill = ''] = ADDRESS.exec(address) ?? [];
    const result = await this.#pass(drill);
    if (result !== COUNTED) return result;
    // To its end, which a server that has lost the message does not get.
    for await (const chunk of openBody()) void chunk;
    return (await this.#drills.noteDelivered(drill, mail)) ? COUNTED : OVER;
  }

  /** Waits until mail of this drill may leave here; COUNTED then. */
  async #pass(id: string): Promise<Result> {
    while (!this.#isCutOff) {
      const drill = await this.#drills.current();
      if (drill?.id !== id) return OVER;
      if (drill.isGateOpen) return COUNTED;
      await delay(GATE_MS);
    }
    return CUT_OFF;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): void {
    this.#isCutOff = true;
  }
}
