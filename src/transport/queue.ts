// The order of attempts. Claims what the spool holds (claims.ts), sorts it into one queue for each hop (hop-queues.ts) and
// keeps no more of a message than its ticket; what comes by time alone is in deadlines.ts. What became of a recipient goes
// to settlement.ts, which alone turns it into spool state.

import { PassingSet } from '../passing.ts';
import { messageOf } from '../problem.ts';
import type { MessageHead } from '../spool/spool.ts';
import { Claims } from './claims.ts';
import type { RunContext } from './connection-run.ts';
import { Deadlines } from './deadlines.ts';
import type { RemovalWish, Ticket } from './delivery.ts';
import { withdrawIdle } from './handing-over.ts';
import { demandOf, type Hop, underDemand, unreachableHop } from './hop.ts';
import type { HopQueue } from './hop-queue.ts';
import { HopQueues } from './hop-queues.ts';
import { MessageShelf } from './message-shelf.ts';
import { OutlivedDeliveries } from './outlived.ts';
import { QueueAdministration, type Suspensions } from './queue-administration.ts';
import { waitsOf } from './retry.ts';
import { TimeSlice } from './time-slice.ts';

export interface QueueOptions extends Omit<RunContext, 'shelf' | 'route'> {
  /** Where the directory sends an address. Must not throw. */
  readonly route: (address: string) => Hop;
  readonly suspensions: Suspensions;
}

/** After connections were cut off, what became of their messages is still written down. */
const CUT_OFF_MS = 2000;

export class MailQueue {
  /** What an administrator does to queues and messages. */
  readonly administration: QueueAdministration;
  readonly #context: RunContext;
  readonly #queues: HopQueues;
  readonly #claims: Claims;
  readonly #deadlines: Deadlines;
  readonly #outlived = new OutlivedDeliveries();
  readonly #underWay = new PassingSet<Promise<void>>();
  readonly #cutOff = new AbortController();
  #isStopped = false;
  #isAside = false;
  #handingOver: Promise<void> | undefined;
  #resubmissions = 0;

  constructor(options: QueueOptions) {
    const { spool, clock, log, suspensions } = options;
    const shelf = new MessageShelf(spool);
    this.#context = {
      ...options,
      shelf,
      route: (message, index) => routeSafely(options, message, index),
    };
    const isStopping = (): boolean => this.#isStopped || this.#isAside;
    const track = (work: Promise<void>): void => this.#track(work);
    this.#queues = new HopQueues(this.#context, {
      get isStopping() {
        return isStopping();
      },
      signal: this.#cutOff.signal,
      track,
      expect: (atMs) => this.#deadlines.expect(atMs),
      isSuspended: (key) => suspensions.has(key),
    });
    this.#deadlines = new Deadlines({
      clock,
      queues: () => this.#queues.values(),
      isStopping,
      track,
      expire: (queue, ticket) => this.#queues.runFor(queue).expire(ticket),
      notify: (queue, ticket) => this.#queues.runFor(queue).notify(ticket),
      kick: (queue) => this.#queues.kick(queue),
    });
    this.#claims = new Claims({
      spool,
      clock,
      log,
      take: (messages) => {
        for (const message of messages) shelf.put(message);
        this.#take(messages);
      },
      takeHeads: (heads) => this.#take(heads),
      held: () => this.#heldIds(),
      lose: (ids) => this.#lose(ids),
      track,
    });
    this.administration = new QueueAdministration({
      spool,
      shelf,
      queues: this.#queues,
      suspensions,
      elapsedMs: () => clock.elapsedMs(),
      track,
      resubmit: (queue) => this.#track(this.#resubmitQueue(queue, isStopping)),
      removeUnsorted: (id, wish) => this.#removeUnsorted(id, wish),
    });
  }

  /** Takes up what the spool holds from before, and everything that arrives from now on. */
  start(): void {
    this.#claims.start();
  }

  /** Starts nothing new and waits for what is under way, at most `drainMs` of real time; then cuts it off. */
  async stop(drainMs: number): Promise<void> {
    this.#isStopped = true;
    this.#claims.stop();
    this.#deadlines.stop();
    this.#queues.halt();
    await this.#settleWithin(drainMs);
    this.#cutOff.abort();
    await this.#settleWithin(CUT_OFF_MS);
  }

  /** Takes nothing more from the spool, finishes what is under way and gives back the rest. Resolves when all of it is done. */
  standAside(): Promise<void> {
    this.#isAside = true;
    this.#claims.stop();
    this.#queues.halt();
    this.#handingOver ??= this.#handOver();
    return this.#handingOver;
  }

  /** Ends that. */
  comeBack(): void {
    if (!this.#isAside || this.#isStopped) return;
    this.#isAside = false;
    this.#claims.start();
    this.#deadlines.lookAgain();
    for (const queue of this.queues()) this.#queues.kick(queue);
  }

  queues(): readonly HopQueue[] {
    return [...this.#queues.values()];
  }

  /**
   * Tries at once what waits in the queues that `matches` names, suspended ones left out; returns how many there were.
   * `resubmits`: their messages are sorted into queues again first.
   */
  retryNow(matches: (queue: HopQueue) => boolean, resubmits = false): number {
    const chosen = this.queues().filter((queue) => matches(queue) && queue.waiting.length > 0 && !queue.isSuspended);
    for (const queue of chosen) {
      if (resubmits) this.#track(this.#resubmitQueue(queue, () => this.#isStopped));
      else this.#queues.endRetry(queue);
    }
    return chosen.length;
  }

  /** The directory changed: routes are asked again and whoever waited may try at once. */
  resubmit(): void {
    this.#queues.retireConnections();
    this.#track(this.#resubmitAll());
  }

  async #handOver(): Promise<void> {
    try {
      while (this.#isAside && !this.#isStopped) {
        const isQuiet = this.#underWay.size === 0;
        const ids = withdrawIdle(this.queues());
        for (const id of ids) this.#context.shelf.drop(id);
        await this.#claims.giveBack(ids);
        if (this.#underWay.size > 0) await Promise.race(this.#underWay);
        else if (isQuiet) return;
      }
    } catch (error) {
      this.#context.log.error({ error: messageOf(error) }, 'what waits here could not be handed over');
    } finally {
      this.#handingOver = undefined;
    }
  }

  /** Small queues first: a large one takes a while. */
  async #resubmitAll(): Promise<void> {
    const number = ++this.#resubmissions;
    const isOver = (): boolean => this.#isStopped || this.#isAside || number !== this.#resubmissions;
    for (const queue of this.queues().toSorted((a, b) => a.messageCount - b.messageCount)) {
      if (isOver()) return;
      if (!queue.isSuspended) await this.#resubmitQueue(queue, isOver);
    }
  }

  /** The first of each queue is tried while the others are still asked for: a connection asks for the way itself. */
  async #resubmitQueue(queue: HopQueue, isOver: () => boolean): Promise<void> {
    const { log } = this.#context;
    const slice = new TimeSlice();
    const touched = new Set([queue]);
    try {
      for (const ticket of [...queue.waiting]) {
        if (isOver()) return;
        for (const other of await this.#resort(queue, ticket)) touched.add(other);
        await slice.pause();
      }
    } catch (error) {
      log.error({ error: messageOf(error) }, 'the routes of waiting messages could not be asked again');
    } finally {
      for (const each of touched) this.#queues.endRetry(each);
    }
  }

  /** Sorts a waiting message again; where the way is the same, its ticket stays. Returns the queues it has come to. */
  async #resort(queue: HopQueue, ticket: Ticket): Promise<readonly HopQueue[]> {
    const { shelf, route } = this.#context;
    const message = await shelf.take(ticket.id);
    const hops = message ? ticket.indexes.map((index) => route(message, index)) : [];
    if (message && hops.every(({ key }) => key === queue.hop.key)) {
      queue.hop = hops[0] ?? queue.hop;
      return [];
    }
    if (!queue.waiting.remove(ticket)) return [];
    return message ? this.#queues.sort(message, ticket) : [];
  }

  #take(messages: readonly MessageHead[]): void {
    const { clock, settings, shelf } = this.#context;
    const { retry } = settings();
    const [now, nowMs] = [clock.now(), clock.elapsedMs()];
    const touched = new Set<HopQueue>();
    for (const message of messages) {
      const { id, attempts, suspended } = message;
      const indexes = this.#outlived.indexesOf(message);
      if (indexes.length === 0) {
        shelf.drop(id);
        continue;
      }
      const { attemptMs, expiryMs, noticeMs } = waitsOf(message, retry, now);
      const queues = this.#queues.sort(message, {
        id,
        indexes,
        dueMs: nowMs + attemptMs,
        expiresMs: nowMs + expiryMs,
        noticeMs: nowMs + noticeMs,
        hasWaited: attempts > 0,
        attempts,
        lastError: undefined,
        suspended,
      });
      for (const queue of queues) touched.add(queue);
    }
    for (const queue of touched) this.#queues.kick(queue);
  }

  async #removeUnsorted(id: number, { reason }: RemovalWish): Promise<boolean> {
    const { route, settlement, spool } = this.#context;
    const damaged = (await spool.listDamaged()).find((each) => each.id === id);
    if (damaged) {
      const hop = unreachableHop(`The message is damaged: ${damaged.reason}`);
      return settlement.removeDamaged(damaged, { reason, hop });
    }
    const message = await spool.get(id);
    const indexes = (message?.recipients ?? []).flatMap(({ status }, index) => (status === 'pending' ? [index] : []));
    if (!message || indexes.length === 0) return false;
    const hop = route(message, indexes[0] ?? 0);
    await settlement.remove(
      { message, indexes, attempts: message.attempts },
      { reason, hop, signal: this.#cutOff.signal },
    );
    return true;
  }

  *#heldIds(): Generator<number> {
    for (const queue of this.#queues.values()) for (const { id } of queue.tickets()) yield id;
  }

  /** What waits and is no longer ours, or no longer there, is forgotten; what is under way will find out. */
  #lose(ids: ReadonlySet<number>): void {
    this.#outlived.note(ids, this.#queues.values());
    for (const { waiting, held } of this.#queues.values()) {
      for (const ticket of [...waiting]) if (ids.has(ticket.id)) waiting.remove(ticket);
      for (const ticket of [...held]) if (ids.has(ticket.id)) held.delete(ticket);
    }
  }

  #track(work: Promise<void>): void {
    const watched = work
      .catch((error: unknown) => {
        this.#context.log.error({ error: messageOf(error), stack: (error as Error).stack }, 'the queue failed');
      })
      .finally(() => this.#underWay.delete(watched));
    this.#underWay.add(watched);
  }

  async #settleWithin(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([Promise.all(this.#underWay), limit]);
    clearTimeout(timer);
  }
}

/** A claimed message must have a queue, whatever is wrong with the directory. */
function routeSafely({ route, log }: QueueOptions, ...[message, index]: Parameters<RunContext['route']>): Hop {
  try {
    return underDemand(route(message.recipients[index]?.address ?? ''), demandOf(message.envelope));
  } catch (error) {
    log.error({ error: messageOf(error) }, 'a recipient could not be routed');
    return unreachableHop('The route could not be determined, see the log of this server');
  }
}
