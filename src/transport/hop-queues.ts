// All queues, one for each hop. Sorts messages into them, and keeps a bounded number of connections busy for each, so that a
// slow or dead hop holds up nobody else. What happens on a connection is connection-run.ts.

import type { MessageHead } from '../spool/spool.ts';
import { ConnectionRun, type RunContext, type RunOwner } from './connection-run.ts';
import type { Ticket, TicketFacts } from './delivery.ts';
import type { Hop } from './hop.ts';
import { HopQueue } from './hop-queue.ts';

/** What the queues need of their owner. */
export interface QueuesOwner {
  readonly isStopping: boolean;
  readonly signal: AbortSignal;
  /** Is told of everything that is begun, so that the owner can wait for it. */
  track(work: Promise<void>): void;
  /** Whether an administrator has suspended the queue of this hop. */
  isSuspended(key: string): boolean;
  /** Something in the queues has a deadline at this time (elapsed). */
  expect(atMs: number): void;
}

/** An emptied queue stays visible for three minutes (exchange: QueueMaxIdleTime). */
const MAX_IDLE_MS = 3 * 60_000;
/** Lists of recipients longer than this are hardly ever the same. */
const MAX_SHARED_INDEXES = 100;
const MAX_SHARED_LISTS = 1000;

export class HopQueues {
  readonly #context: RunContext;
  readonly #owner: QueuesOwner;
  readonly #runOwner: RunOwner;
  readonly #queues = new Map<string, HopQueue>();
  readonly #lists = new Map<string, readonly number[]>();
  #nextId = 1;

  constructor(context: RunContext, owner: QueuesOwner) {
    this.#context = context;
    this.#owner = owner;
    this.#runOwner = {
      get isStopping() {
        return owner.isStopping;
      },
      signal: owner.signal,
      answered: (queue) => this.kick(queue),
      wait: (message, facts) => {
        for (const queue of this.sort(message, facts)) this.kick(queue);
      },
    };
  }

  /** In no order. */
  values(): IterableIterator<HopQueue> {
    return this.#queues.values();
  }

  /** Sorts the recipients by hop: a ticket for each, in its hop's queue. Returns the queues, to be kicked. */
  sort(message: MessageHead, facts: TicketFacts): HopQueue[] {
    const groups = new Map<string, { hop: Hop; indexes: number[] }>();
    for (const index of facts.indexes) {
      const hop = this.#context.route(message, index);
      const group = groups.get(hop.key) ?? { hop, indexes: [] };
      group.indexes.push(index);
      groups.set(hop.key, group);
    }
    this.#owner.expect(Math.min(facts.expiresMs, facts.noticeMs));
    return Array.from(groups.values(), ({ hop, indexes }) => {
      const queue = this.#queueFor(hop);
      const ticket = makeTicket({ ...facts, indexes: this.#share(indexes) });
      if (ticket.suspended) queue.held.add(ticket);
      else queue.waiting.push(ticket);
      return queue;
    });
  }

  /** Starts as many connections as are useful now, and sets the timer for what is due later. */
  kick(queue: HopQueue): void {
    if (this.#owner.isStopping) return;
    const { clock, settings } = this.#context;
    const { maxConnectionsPerHop } = settings();
    const nowMs = clock.elapsedMs();
    const wanted = queue.countForIdle(nowMs);
    if (wanted > 0) queue.idle.wake(wanted);
    while (queue.wantsConnection(nowMs, maxConnectionsPerHop)) this.#owner.track(this.#connect(queue));
    queue.cancelTimer?.();
    const isIdle = queue.messageCount === 0 && queue.connections === 0 && !queue.isSuspended;
    queue.idleSinceMs = isIdle ? (queue.idleSinceMs ?? nowMs) : undefined;
    const dropMs = queue.idleSinceMs === undefined ? undefined : queue.idleSinceMs + MAX_IDLE_MS;
    const lookMs = dropMs ?? queue.nextLookMs(nowMs, maxConnectionsPerHop);
    const look = (): void => (isIdle ? void this.#queues.delete(queue.hop.key) : this.kick(queue));
    queue.cancelTimer = lookMs === undefined ? undefined : clock.schedule(Math.max(1, lookMs - nowMs), look);
  }

  /** Tries at once what waits for the hop. */
  endRetry(queue: HopQueue): void {
    queue.endRetry();
    queue.waiting.bringForward(this.#context.clock.elapsedMs());
    this.kick(queue);
  }

  /** A run that opens nothing: for what is settled without a hop. */
  runFor(queue: HopQueue): ConnectionRun {
    return new ConnectionRun(this.#context, queue, this.#runOwner);
  }

  /** Nothing is begun any more: no timer, nothing more over a connection that is open. */
  halt(): void {
    for (const queue of this.values()) queue.cancelTimer?.();
    this.retireConnections();
  }

  /** Whoever has more to carry is judged anew. */
  retireConnections(): void {
    for (const queue of this.values()) queue.retireConnections();
  }

  #queueFor(hop: Hop): HopQueue {
    const known = this.#queues.get(hop.key);
    if (known) {
      known.hop = hop;
      return known;
    }
    const queue = new HopQueue(this.#nextId++, hop);
    queue.isSuspended = this.#owner.isSuspended(hop.key);
    this.#queues.set(hop.key, queue);
    return queue;
  }

  async #connect(queue: HopQueue): Promise<void> {
    const run = this.runFor(queue);
    queue.connections++;
    try {
      await run.run();
    } finally {
      queue.connections--;
      queue.settling++;
      this.kick(queue);
      await run.settled.finally(() => {
        queue.settling--;
        this.kick(queue);
      });
    }
  }

  /** One list for all messages with the same recipients: nearly all have the first alone. */
  #share(indexes: readonly number[]): readonly number[] {
    if (indexes.length > MAX_SHARED_INDEXES) return indexes;
    const key = indexes.join();
    const known = this.#lists.get(key);
    if (!known && this.#lists.size < MAX_SHARED_LISTS) this.#lists.set(key, indexes);
    return known ?? indexes;
  }
}

function makeTicket(facts: TicketFacts): Ticket {
  const { id, indexes, dueMs, expiresMs, noticeMs, hasWaited, attempts, lastError, suspended } = facts;
  // Whole milliseconds are small integers to the engine and need no object of their own. When it is due is rounded down: rounded up, a
  // message that had just come waited for a timer of one millisecond although a connection was idle.
  return {
    id,
    indexes,
    dueMs: Math.floor(dueMs),
    expiresMs: Math.ceil(expiresMs),
    noticeMs: Math.ceil(noticeMs),
    hasWaited,
    attempts,
    lastError,
    suspended,
    removal: undefined,
    order: 0,
    position: 0,
  };
}
