// A server in the simulation: it holds messages by the lease of the real spool (src/spool/lease.ts), beats, watches the others, and
// delivers. Its clocks run at a speed of their own and are wrong; it is stopped and dies as a process does. A variant breaks one
// rule of the protocol, which the simulation must find.

import { BEATS_A_LEASE, type Instant, Lease, LeaseWatch } from '../../src/spool/lease.ts';
import type { Chance } from '../crash/chance.ts';
import type { Answer, NodeRow, SimulatedDatabase } from './simulated-database.ts';
import type { Timeline } from './timeline.ts';

/** `none` is the protocol as it is. */
export const BREACHES = ['none', 'by-own-date', 'lease-ignored', 'no-fence', 'strays-left', 'outage-counted'] as const;
export type Breach = (typeof BREACHES)[number];

/** Who judges what nodes do; both are told in the moment in which it happens. */
export interface Referee {
  /** A node found that it may hand out the body of a message. */
  handsOut(message: number, holder: number): void;
  /** The peer has taken the message. */
  delivered(message: number): void;
  settled(message: number): void;
  /** A node that was held for dead has lost what it held. */
  tookOver(from: NodeRow): void;
}

export interface NodeOptions {
  readonly server: number;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly database: SimulatedDatabase;
  readonly referee: Referee;
  readonly breach: Breach;
  readonly leaseMs: number;
  /** How much faster its clocks run, in millionths. */
  readonly driftPpm: number;
  /** How wrong its date is at first. */
  readonly skewMs: number;
}

const CLAIM_EACH_MS = 1000;
const MAX_HELD = 10;
const LOOK_AFTER_MS = [1000, 5000, 30_000, 120_000];

export class SimulatedNode {
  readonly #options: NodeOptions;
  readonly #watch = new LeaseWatch();
  /** What the last look showed. */
  #looked: readonly NodeRow[] = [];
  #lease = new Lease(0, { monotonicMs: 0, wallMs: 0 });
  #id = 0;
  #held = new Map<number, number>();
  readonly #turns: ((done: () => void) => void)[] = [];
  #mayHaveStrays = false;
  #isDead = false;
  #stoppedUntilMs = 0;
  #droppedMs = 0;
  #skewMs: number;
  /** What the monotonic clock missed while the machine was stopped. */
  #missedMs = 0;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#skewMs = options.skewMs;
    this.#start();
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** True when it has been at work under this row for so long, did not stand still, and the network dropped no beat of it alone. */
  hasWorked(holder: number, forMs: number): boolean {
    const troubledMs = Math.max(this.#stoppedUntilMs, this.#droppedMs);
    return !this.#isDead && this.#id === holder && troubledMs + forMs < this.#options.timeline.nowMs;
  }

  /** The process stands still; with `isMachine` its monotonic clock too, and its date jumps when it goes on. */
  stop(forMs: number, isMachine: boolean): void {
    const { nowMs } = this.#options.timeline;
    if (nowMs < this.#stoppedUntilMs) return;
    this.#stoppedUntilMs = nowMs + forMs;
    if (isMachine) this.#missedMs += forMs;
  }

  /** Somebody sets its date. */
  setDate(byMs: number): void {
    this.#skewMs += byMs;
  }

  die(): void {
    this.#isDead = true;
  }

  #instant(): Instant {
    const { timeline, driftPpm } = this.#options;
    const passedMs = timeline.nowMs * (1 + driftPpm / 1e6);
    return { monotonicMs: passedMs - this.#missedMs, wallMs: passedMs + this.#skewMs };
  }

  /** Nothing happens in a process that stands still or is dead. */
  #live(act: () => void): void {
    if (this.#isDead) return;
    const waitMs = this.#stoppedUntilMs - this.#options.timeline.nowMs;
    if (waitMs > 0) this.#options.timeline.after(waitMs, () => this.#live(act));
    else act();
  }

  #later(delayMs: number, act: () => void): void {
    this.#options.timeline.after(delayMs, () => this.#live(act));
  }

  #ask<T>(statement: (database: SimulatedDatabase) => T, hear: (answer: Answer<T>) => void): void {
    this.#options.database.ask(statement, (answer) => this.#live(() => hear(answer)));
  }

  #start(): void {
    const { server, chance } = this.#options;
    this.#ask(
      (database) => {
        // A server that is started again takes over from what it was before.
        for (const row of database.nodes.values()) if (row.server === server) database.retire(row.holder);
      },
      ({ isLost }) => {
        if (isLost) return this.#later(1000, () => this.#start());
        this.#register(() => {
          this.#beatLater();
          this.#later(chance.below(CLAIM_EACH_MS), () => this.#claim());
        });
      },
    );
  }

  #register(then: () => void): void {
    const { server, leaseMs } = this.#options;
    const sent = this.#instant();
    this.#ask(
      (database) => database.addNode(server, leaseMs),
      ({ value }) => {
        if (value === undefined) return this.#later(1000, () => this.#register(then));
        this.#id = value;
        this.#lease = new Lease(leaseMs, sent);
        then();
      },
    );
  }

  #beatLater(): void {
    this.#later(this.#options.leaseMs / BEATS_A_LEASE, () => this.#beat());
  }

  #beat(): void {
    const sent = this.#instant();
    this.#ask(
      (database) => database.beat(this.#id),
      ({ value, isLost, isDropped }) => {
        if (isDropped === true) this.#droppedMs = this.#options.timeline.nowMs;
        if (isLost) {
          this.#seeNothing();
          return this.#beatLater();
        }
        if (value === true) {
          this.#lease.extend(sent);
          return this.#lookAround();
        }
        // Others have taken over: what was held is theirs.
        this.#held.clear();
        this.#register(() => this.#lookAround());
      },
    );
  }

  #lookAround(): void {
    const asked = this.#instant();
    this.#ask(
      (database) => [...database.nodes.values()].filter(({ holder }) => holder !== this.#id),
      ({ value: rows, isLost, isDropped }) => {
        if (isDropped === true) this.#droppedMs = this.#options.timeline.nowMs;
        if (!isLost && rows) for (const row of this.#findDead(rows, asked)) this.#takeOver(row);
        this.#beatLater();
      },
    );
  }

  #findDead(rows: readonly NodeRow[], asked: Instant): readonly NodeRow[] {
    const answered = this.#instant();
    this.#looked = rows;
    if (this.#options.breach === 'by-own-date')
      return rows.filter(({ beatAtMs, leaseMs }) => answered.wallMs - beatAtMs > leaseMs);
    const dead = this.#watch.note(rows, { askedMs: asked.monotonicMs, answeredMs: answered.monotonicMs });
    return rows.filter((row) => dead.includes(row));
  }

  /** Nobody was seen; whoever counts that as a look which showed the same beats holds everybody for dead after an outage. */
  #seeNothing(): void {
    if (this.#options.breach !== 'outage-counted') return;
    const { monotonicMs } = this.#instant();
    this.#watch.note(this.#looked, { askedMs: monotonicMs, answeredMs: monotonicMs });
  }

  #takeOver(row: NodeRow): void {
    const { referee } = this.#options;
    this.#ask(
      (database) => {
        if (database.retire(row.holder, row.beat)) referee.tookOver(row);
      },
      () => undefined,
    );
  }

  /** Claims and looks for strays come one after the other: what is just being claimed is no stray. */
  #inTurn(work: (done: () => void) => void): void {
    this.#turns.push(work);
    if (this.#turns.length === 1) work(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    this.#turns.shift();
    this.#turns[0]?.(this.#endTurn);
  };

  #claim(): void {
    this.#later(CLAIM_EACH_MS, () => this.#claim());
    if (this.#turns.length > 0) return;
    if (this.#mayHaveStrays) this.#inTurn((done) => this.#freeStrays(done));
    this.#inTurn((done) => this.#claimMore(done));
  }

  #claimMore(done: () => void): void {
    const room = MAX_HELD - this.#held.size;
    if (room <= 0 || this.#id === 0) return done();
    const id = this.#id;
    this.#ask(
      (database) => database.claim(id, room),
      ({ value: claimed, isLost }) => {
        done();
        // An answer that comes under another row is of messages that are anybody's by now.
        const isLate = id !== this.#id || !this.#isSure();
        if (isLost || isLate) return this.#suspectStrays();
        for (const message of claimed ?? []) {
          this.#held.set(message, id);
          this.#attempt(message);
        }
      },
    );
  }

  #isSure(): boolean {
    return this.#options.breach === 'lease-ignored' || this.#lease.isValid(this.#instant());
  }

  #attempt(message: number): void {
    const { chance, referee } = this.#options;
    // The way to the peer and its greeting: mostly short, now and then longer than a lease.
    const untilBodyMs = chance.below(10) === 0 ? chance.below(90_000) : chance.below(3000);
    this.#later(untilBodyMs, () => {
      if (!this.#held.has(message)) return;
      if (!this.#isSure()) return this.#giveUp(message);
      referee.handsOut(message, this.#id);
      this.#later(1 + chance.below(500), () => {
        referee.delivered(message);
        this.#settle(message);
      });
    });
  }

  #settle(message: number): void {
    const { breach, referee } = this.#options;
    if (!this.#held.has(message)) return;
    const fence = breach === 'no-fence' ? undefined : this.#id;
    this.#ask(
      (database) => {
        const isSettled = database.settle(message, fence);
        if (isSettled) referee.settled(message);
        return isSettled;
      },
      ({ isLost }) => {
        // Whether it was settled shows at the next try, which finds it gone.
        if (isLost) this.#later(1000, () => this.#settle(message));
        else this.#held.delete(message);
      },
    );
  }

  #giveUp(message: number): void {
    this.#held.delete(message);
    const id = this.#id;
    this.#ask(
      (database) => database.free(id, [message]),
      ({ isLost }) => isLost && this.#suspectStrays(),
    );
  }

  #suspectStrays(): void {
    if (this.#options.breach === 'strays-left') return;
    this.#mayHaveStrays = true;
    for (const delayMs of LOOK_AFTER_MS) this.#later(delayMs, () => this.#inTurn((done) => this.#freeStrays(done)));
  }

  #freeStrays(done: () => void): void {
    const id = this.#id;
    this.#ask(
      (database) => database.ownedBy(id),
      ({ value: owned, isLost }) => {
        if (isLost || id !== this.#id) return done();
        const strays = (owned ?? []).filter((message) => !this.#held.has(message));
        this.#ask(
          (database) => database.free(id, strays),
          ({ isLost: isUnknown }) => {
            if (!isUnknown) this.#mayHaveStrays = false;
            done();
          },
        );
      },
    );
  }
}
