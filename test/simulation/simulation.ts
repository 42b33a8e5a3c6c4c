// Hundreds of servers on one spool database, by a seed: clocks that are wrong, drift and are set, processes and machines that stand
// still for longer than a lease, deaths, lost answers, changes of the primary. It checks that no server ever hands out a message
// that it does not hold, that nothing is settled twice, that nobody takes over from a server that was at work all the time, even
// when no server could reach the database for longer than a lease, and that no message is stuck when the faults are over.

import { Chance } from '../crash/chance.ts';
import { type NodeRow, SimulatedDatabase } from './simulated-database.ts';
import { type Breach, type Referee, SimulatedNode } from './simulated-node.ts';
import { Timeline } from './timeline.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly nodes: number;
  /** How long messages come and things go wrong. */
  readonly minutes: number;
  readonly breach?: Breach;
  /** Ends at the first thing that must never be. */
  readonly endsWhenBroken?: boolean;
}

export interface SimulationResult {
  readonly accepted: number;
  readonly settled: number;
  /** Deliveries beyond the first of a message: its holder died, was stopped or cut off between delivery and settlement. */
  readonly duplicates: number;
  readonly deaths: number;
  readonly stops: number;
  /** By others; a server that is started again takes over from itself, uncounted. */
  readonly takeovers: number;
  readonly primaryChanges: number;
  readonly lostStatements: number;
  readonly statements: number;
  /** What must never be, in words; none while the protocol holds. */
  readonly breaches: readonly string[];
}

const LEASE_MS = 30_000;
const FAULTS = { lostQuestions: 500, lostAnswers: 500, latencyMs: 20 };
/** Clocks of machines that follow a time server differ by less. */
const MAX_DRIFT_PPM = 20;
const MAX_SKEW_MS = 600_000;
/** When all faults are over everything must have left by then. */
const CALM_MS = 20 * 60_000;
const MAX_TOLD = 20;

class StrictReferee implements Referee {
  readonly breaches: string[] = [];
  readonly deliveries = new Map<number, number>();
  settledCount = 0;
  takeovers = 0;
  readonly #settled = new Set<number>();
  readonly #timeline: Timeline;
  readonly #database: SimulatedDatabase;
  readonly #nodes: readonly SimulatedNode[];

  constructor(timeline: Timeline, database: SimulatedDatabase, nodes: readonly SimulatedNode[]) {
    this.#timeline = timeline;
    this.#database = database;
    this.#nodes = nodes;
  }

  handsOut(message: number, holder: number): void {
    const row = this.#database.messages.get(message);
    if (row?.owner === holder) return;
    const truth = row ? (row.owner === undefined ? 'nobody' : `node ${row.owner}`) : 'nobody, for it is settled';
    this.tell(`node ${holder} hands out message ${message}, which is held by ${truth}`);
  }

  delivered(message: number): void {
    this.deliveries.set(message, (this.deliveries.get(message) ?? 0) + 1);
  }

  settled(message: number): void {
    if (this.#settled.has(message)) this.tell(`message ${message} is settled twice`);
    this.#settled.add(message);
    this.settledCount += 1;
  }

  tookOver({ holder, server }: NodeRow): void {
    this.takeovers += 1;
    // Whoever stood still lately may not have got round to a beat.
    if (this.#nodes[server]?.hasWorked(holder, 2 * LEASE_MS) === true)
      this.tell(`node ${holder} is held for dead, and has been at work all the time`);
  }

  tell(what: string): void {
    if (this.breaches.length < MAX_TOLD) this.breaches.push(`at ${(this.#timeline.nowMs / 1000).toFixed(3)} s ${what}`);
  }
}

/** Runs one; the same options give the same result. */
export function simulate({
  seed,
  nodes: count,
  minutes,
  breach = 'none',
  endsWhenBroken = false,
}: SimulationOptions): SimulationResult {
  const chance = new Chance(seed);
  const timeline = new Timeline();
  const database = new SimulatedDatabase(timeline, chance, FAULTS);
  const nodes: SimulatedNode[] = [];
  const referee = new StrictReferee(timeline, database, nodes);
  const counts = { accepted: 0, deaths: 0, stops: 0 };
  const spread = (limit: number): number => chance.below(2 * limit + 1) - limit;
  const start = (server: number): SimulatedNode =>
    new SimulatedNode({
      ...{ server, timeline, chance, database, referee, breach },
      leaseMs: LEASE_MS,
      driftPpm: spread(MAX_DRIFT_PPM),
      skewMs: spread(MAX_SKEW_MS),
    });
  for (let server = 0; server < count; server += 1) nodes.push(start(server));
  const endMs = minutes * 60_000;
  const each = (meanMs: number, act: () => void): void => {
    timeline.after(1 + chance.below(2 * meanMs), () => {
      if (timeline.nowMs > endMs) return;
      act();
      each(meanMs, act);
    });
  };
  const anyone = (): number => chance.below(count);

  each(200, () => {
    for (let more = 1 + chance.below(count / 10 + 1); more > 0; more -= 1) {
      database.messages.set(counts.accepted, { owner: undefined });
      counts.accepted += 1;
    }
  });
  each(60_000 / Math.sqrt(count), () => {
    const server = anyone();
    const node = nodes[server];
    // A folder belongs to one process: the next one starts when the last is gone.
    if (node === undefined || node.isDead) return;
    node.die();
    counts.deaths += 1;
    timeline.after(chance.below(4 * LEASE_MS), () => (nodes[server] = start(server)));
  });
  each(20_000 / Math.sqrt(count), () => {
    const server = anyone();
    counts.stops += 1;
    // A machine that is stopped keeps its date right otherwise; who sets dates by hand stops no machines.
    nodes[server]?.stop(chance.below(3) === 0 ? chance.below(3 * LEASE_MS) : chance.below(5000), server % 2 === 0);
  });
  each(30_000 / Math.sqrt(count), () => {
    const server = anyone();
    if (server % 2 === 1) nodes[server]?.setDate(spread(60_000));
  });
  each(90_000, () => database.changePrimary(chance.below(2 * LEASE_MS)));

  const isBroken = (): boolean => endsWhenBroken && referee.breaches.length > 0;
  timeline.run(endMs, isBroken);
  timeline.run(endMs + CALM_MS, () => database.messages.size === 0 || isBroken());
  for (const [message, { owner }] of database.messages) {
    referee.tell(`message ${message} is stuck, held by ${owner === undefined ? 'nobody' : `node ${owner}`}`);
  }
  const deliveries = [...referee.deliveries.values()];
  if (deliveries.length < counts.accepted - database.messages.size) referee.tell('a message was settled undelivered');
  return {
    ...counts,
    settled: referee.settledCount,
    takeovers: referee.takeovers,
    duplicates: deliveries.reduce((sum, times) => sum + times - 1, 0),
    primaryChanges: database.counts.primaryChanges,
    lostStatements: database.counts.lost,
    statements: database.counts.statements,
    breaches: referee.breaches,
  };
}
