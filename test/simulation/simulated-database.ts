// The shared database as the nodes of the simulation meet it: statements that are carried out whole, one after the other, over a
// network that loses questions and answers, by a primary that changes now and then. What was committed is never lost; who
// asked may not hear of it.

import type { Beat } from '../../src/spool/lease.ts';
import type { Chance } from '../crash/chance.ts';
import type { Timeline } from './timeline.ts';

export interface NodeRow extends Beat {
  readonly server: number;
  /** The database's clock at the last beat. */
  readonly beatAtMs: number;
}

export interface MessageRow {
  owner: number | undefined;
}

/** What came of a statement; without `value` nobody knows whether it was carried out. */
export interface Answer<T> {
  readonly value?: T;
  readonly isLost: boolean;
  /** The network dropped question or answer, this one alone: the asker waited in vain. */
  readonly isDropped?: boolean;
}

export interface NetworkFaults {
  /** Of a million statements. */
  readonly lostQuestions: number;
  readonly lostAnswers: number;
  /** Longest way of a question or an answer. */
  readonly latencyMs: number;
}

/** How long a server waits for an answer. */
const TIMEOUT_MS = 15_000;

export class SimulatedDatabase {
  readonly nodes = new Map<number, NodeRow>();
  readonly messages = new Map<number, MessageRow>();
  /** Counts of what happened to statements. */
  readonly counts = { statements: 0, lost: 0, primaryChanges: 0 };
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #faults: NetworkFaults;
  #isUp = true;
  #primary = 0;
  #lastNode = 0;

  constructor(timeline: Timeline, chance: Chance, faults: NetworkFaults) {
    this.#timeline = timeline;
    this.#chance = chance;
    this.#faults = faults;
  }

  /** Carries out `statement` when the question arrives, and brings the answer; `hear` is the asker's. */
  ask<T>(statement: (database: this) => T, hear: (answer: Answer<T>) => void): void {
    this.counts.statements += 1;
    if (this.#happens(this.#faults.lostQuestions)) return this.#drop(hear);
    this.#timeline.after(this.#way(), () => {
      if (!this.#isUp) return this.#lose(this.#way(), hear);
      const primary = this.#primary;
      const value = statement(this);
      if (this.#happens(this.#faults.lostAnswers)) return this.#drop(hear);
      this.#timeline.after(this.#way(), () => {
        // Connections to a primary that has gone break, with what was on its way.
        if (primary !== this.#primary) return this.#lose(0, hear);
        hear({ value, isLost: false });
      });
    });
  }

  /** The primary dies; for so long nobody answers, then the standby does with all that was committed. */
  changePrimary(downMs: number): void {
    if (!this.#isUp) return;
    this.counts.primaryChanges += 1;
    this.#primary += 1;
    this.#isUp = false;
    this.#timeline.after(downMs, () => (this.#isUp = true));
  }

  addNode(server: number, leaseMs: number): number {
    this.#lastNode += 1;
    this.nodes.set(this.#lastNode, {
      holder: this.#lastNode,
      server,
      beat: 0,
      leaseMs,
      beatAtMs: this.#timeline.nowMs,
    });
    return this.#lastNode;
  }

  /** False when the row is gone. */
  beat(holder: number): boolean {
    const row = this.nodes.get(holder);
    if (row) this.nodes.set(holder, { ...row, beat: row.beat + 1, beatAtMs: this.#timeline.nowMs });
    return row !== undefined;
  }

  /** Removes the row, if its beat is still that one, and frees its messages. */
  retire(holder: number, beat?: number): boolean {
    const row = this.nodes.get(holder);
    if (!row || (beat !== undefined && row.beat !== beat)) return false;
    this.nodes.delete(holder);
    for (const message of this.messages.values()) if (message.owner === holder) message.owner = undefined;
    return true;
  }

  claim(holder: number, limit: number): number[] {
    if (!this.nodes.has(holder)) return [];
    const claimed: number[] = [];
    for (const [id, message] of this.messages) {
      if (claimed.length === limit) break;
      if (message.owner !== undefined) continue;
      message.owner = holder;
      claimed.push(id);
    }
    return claimed;
  }

  ownedBy(holder: number): number[] {
    return [...this.messages].filter(([, { owner }]) => owner === holder).map(([id]) => id);
  }

  free(holder: number, ids: readonly number[]): void {
    for (const id of ids) {
      const message = this.messages.get(id);
      if (message?.owner === holder) message.owner = undefined;
    }
  }

  /** Removes a delivered message; false when `fence` does not hold it. Without a fence whoever asks may. */
  settle(id: number, fence: number | undefined): boolean {
    const message = this.messages.get(id);
    if (!message || (fence !== undefined && message.owner !== fence)) return false;
    return this.messages.delete(id);
  }

  #drop<T>(hear: (answer: Answer<T>) => void): void {
    this.#lose<T>(TIMEOUT_MS, (answer) => hear({ ...answer, isDropped: true }));
  }

  #lose<T>(delayMs: number, hear: (answer: Answer<T>) => void): void {
    this.counts.lost += 1;
    this.#timeline.after(delayMs, () => hear({ isLost: true }));
  }

  #way(): number {
    return 0.5 + this.#chance.below(Math.max(1, this.#faults.latencyMs * 1000)) / 1000;
  }

  #happens(inAMillion: number): boolean {
    return this.#chance.below(1_000_000) < inAMillion;
  }
}
