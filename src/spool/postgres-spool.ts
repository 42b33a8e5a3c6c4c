// The spool that any number of servers of one role share: PostgreSQL. What each of them holds hangs on its row in `node`
// (postgres-node.ts), what it holds for whom inside is in held-messages.ts; messages come in by postgres-intake.ts, are settled by
// postgres-settle.ts and read by postgres-shelf.ts. docs/spool-postgres.md says what is promised under which fault.

import type { Cancel } from '../clock.ts';
import { ArrivalBell } from './arrival-bell.ts';
import { BodyIntake } from './body-intake.ts';
import { isPending, settleState } from './delivery-state.ts';
import { EmbeddedWriter, takeInWhole } from './embedded-writer.ts';
import { HeldMessages } from './held-messages.ts';
import { UnknownOutcome } from './postgres-fault.ts';
import { PostgresHoldings } from './postgres-holdings.ts';
import { openPostgresParts, type PostgresParts, type PostgresSpoolOptions } from './postgres-opening.ts';
import { PostgresOutlet } from './postgres-outlet.ts';
import { freshMessage, type NumberedMessage } from './postgres-rows.ts';
import type { PostgresSettled } from './postgres-settle.ts';
import { markCopy } from './postgres-schema.ts';
import { PostgresSettling } from './postgres-settling.ts';
import { RecentMessages } from './recent-messages.ts';
import type {
  ClaimOptions,
  DamagedMessage,
  ListOptions,
  MessageHead,
  NewMessage,
  SalvagedMessage,
  Settlement,
  Spool,
  SpoolCount,
  SpoolFinding,
  SpooledMessage,
  SpoolWriter,
} from './spool.ts';
import type { UnstoredMessage } from './spool-database.ts';
import { INLINE_LIMIT_BYTES } from './spool-limits.ts';
import type { SpoolNodes } from './spool-nodes.ts';
import { closedProblem } from './spool-problems.ts';
import { WorkUnderWay } from './work-under-way.ts';

/** The database's disk is its administrator's: what is full there says so itself. */
const ROOM = { require: (): void => {} };

interface Inside {
  readonly held: HeldMessages;
  readonly recent: RecentMessages;
  readonly bell: ArrivalBell;
}

export class PostgresSpool implements Spool {
  readonly backend = 'postgres';
  readonly nodes: SpoolNodes;
  readonly #parts: PostgresParts;
  readonly #bell: ArrivalBell;
  readonly #held: HeldMessages;
  readonly #recent: RecentMessages;
  readonly #holdings: PostgresHoldings;
  readonly #settling: PostgresSettling;
  readonly #outlet: PostgresOutlet;
  readonly #work: WorkUnderWay;
  #closed = false;

  private constructor(options: PostgresSpoolOptions, parts: PostgresParts, inside: Inside) {
    const { held, recent, bell } = inside;
    this.#parts = parts;
    this.nodes = parts.node;
    this.#bell = bell;
    this.#held = held;
    this.#recent = recent;
    this.#work = new WorkUnderWay(options.log);
    this.#holdings = new PostgresHoldings({ ...parts, held, onFreed: () => bell.ring() });
    this.#settling = new PostgresSettling(parts);
    this.#outlet = new PostgresOutlet({ ...parts, held, recent });
  }

  /** Opens the spool; Problems of `openPostgresParts`. */
  static async open(options: PostgresSpoolOptions): Promise<PostgresSpool> {
    const inside: Inside = { held: new HeldMessages(), recent: new RecentMessages(), bell: new ArrivalBell() };
    const { held, recent, bell } = inside;
    const parts = await openPostgresParts(options, {
      onLost: () => {
        held.loseAll();
        recent.clear();
      },
      onWake: () => bell.ring(),
      onSetAside: (id, reason) => {
        held.forget(id);
        recent.drop(id);
        options.onSetAside?.({ id, reason });
      },
      isWanted: () => bell.hasListeners,
    });
    return new PostgresSpool(options, parts, inside);
  }

  receive(): SpoolWriter {
    this.#requireOpen();
    return new EmbeddedWriter(this.#newIntake(), (message) => this.#store(message));
  }

  async claim(options: ClaimOptions): Promise<SpooledMessage[]> {
    this.#requireOpen();
    const { shelf } = this.#parts;
    return this.#holdings.claim(options, {
      load: (ids) => this.#load(ids),
      more: async (rest) => {
        // What was damaged waits no more: others take its place.
        for (;;) {
          const { good, claimed } = await shelf.claim(rest);
          if (good.length > 0 || claimed === 0) return good;
        }
      },
    });
  }

  async claimHeads(options: ClaimOptions): Promise<MessageHead[]> {
    this.#requireOpen();
    return this.#holdings.claim(options, {
      load: (ids) => this.#load(ids),
      more: (rest) => this.#parts.shelf.claimHeads(rest),
    });
  }

  onArrival(listener: () => void): Cancel {
    const cancel = this.#bell.listen(listener);
    return () => {
      cancel();
      if (this.#bell.hasListeners || this.#closed) return;
      const left = this.#held.withdrawReady();
      if (left.length > 0) this.#work.leave(this.#giveBack(left));
    };
  }

  onLoss(listener: (ids: readonly number[]) => void): Cancel {
    return this.#held.onLoss(listener);
  }

  openBody(message: SpooledMessage): AsyncIterable<Buffer> {
    return this.#outlet.read(message.id, () => this.#requireOpen());
  }

  async settle(
    id: number,
    settlement: Settlement,
    newMessages: readonly NewMessage[] = [],
  ): Promise<SpooledMessage | undefined> {
    this.#requireOpen();
    // Somebody else has it: whatever came of it here came too late.
    if (this.#held.isLost(id)) return undefined;
    return this.#work.track(this.#settle(id, settlement, newMessages));
  }

  async release(ids: readonly number[], owner: string): Promise<void> {
    this.#requireOpen();
    const own = this.#held.ofOwner(ids, owner);
    if (own.length === 0) return;
    for (const id of own) this.#held.forget(id);
    await this.#work.track(this.#giveBack(own));
    this.#bell.ring();
  }

  async renew(ids: readonly number[], owner: string): Promise<readonly number[]> {
    this.#requireOpen();
    return this.#holdings.renew(ids, owner);
  }

  async count(): Promise<SpoolCount> {
    this.#requireOpen();
    return this.#parts.shelf.count();
  }

  async get(id: number): Promise<SpooledMessage | undefined> {
    this.#requireOpen();
    return (await this.#load([id]))[0];
  }

  async list(options: ListOptions): Promise<SpooledMessage[]> {
    this.#requireOpen();
    const found: SpooledMessage[] = [];
    let afterId = options.afterId ?? 0;
    while (found.length < options.limit) {
      const page = await this.#parts.shelf.listAfter({ ...options, afterId, limit: options.limit - found.length });
      if (page.rows === 0) break;
      this.#recent.dropAll(page.good.map(({ id }) => id));
      found.push(...page.good);
      afterId = page.lastId;
    }
    return found;
  }

  async listDamaged(): Promise<DamagedMessage[]> {
    this.#requireOpen();
    return this.#parts.shelf.listDamaged();
  }

  async discardDamaged(id: number): Promise<boolean> {
    this.#requireOpen();
    return this.#parts.shelf.discardDamaged(id);
  }

  async salvage(id: number): Promise<SalvagedMessage | undefined> {
    this.#requireOpen();
    return this.#parts.shelf.salvage(id, this.#parts.bodies);
  }

  async listPoison(): Promise<SpooledMessage[]> {
    this.#requireOpen();
    return this.#parts.shelf.listPoison();
  }

  async inspectFiles(): Promise<SpoolFinding[]> {
    this.#requireOpen();
    return this.#parts.shelf.listOrphans();
  }

  /** Removes what `inspectFiles` finds. */
  async removeOrphans(): Promise<void> {
    this.#requireOpen();
    await this.#parts.shelf.removeOrphans();
  }

  /** Keeps every server from opening the spool, until it is unmarked. */
  async markCopy(isUnderWay: boolean): Promise<void> {
    this.#requireOpen();
    await markCopy(this.#parts.connection, this.#parts.server, isUnderWay);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { intake, bell, node, connection, identity } = this.#parts;
    await this.#work.finished();
    intake.close();
    this.#settling.close();
    this.#holdings.close();
    await bell.close();
    await node.close();
    await connection.close();
    identity.close();
  }

  async #store(message: UnstoredMessage): Promise<SpooledMessage> {
    this.#requireOpen();
    return this.#work.track(
      this.#parts.intake.store(message, async (stored) => {
        await this.#noteArrivals([stored]);
        return freshMessage(stored);
      }),
    );
  }

  /** Ours already: for somebody here to claim, or for anybody where nobody here does. */
  async #noteArrivals(messages: readonly NumberedMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const { intake } = this.#parts;
    // What may be another server's is not ours to hand out; what is ours after all is found and freed.
    const ours = messages.filter(({ id }) => !intake.mayBeElsewhere(id));
    if (ours.length < messages.length) this.#holdings.suspectStrays();
    if (!this.#bell.hasListeners) await this.#giveBack(ours.map(({ id }) => id));
    else {
      for (const message of ours) {
        this.#recent.put(freshMessage(message), message.body);
        this.#held.offer(message.id, message.envelope.receivedAt.getTime());
      }
    }
    this.#bell.ring();
  }

  async #giveBack(ids: readonly number[]): Promise<void> {
    this.#recent.dropAll(ids);
    await this.#holdings.giveBack(ids);
    this.#parts.bell.wakeOthers();
  }

  async #settle(id: number, settlement: Settlement, added: readonly NewMessage[]): Promise<SpooledMessage | undefined> {
    if (added.length === 0 && this.#endsUntouched(id, settlement) && (await this.#settling.removeUntouched(id))) {
      this.#forget(id);
      return undefined;
    }
    const { intake, node } = this.#parts;
    const fence = this.#held.isHeld(id) ? node.id : undefined;
    const intakes = added.map(() => this.#newIntake());
    let newMessages: NumberedMessage[] = [];
    let settled: PostgresSettled | undefined;
    try {
      newMessages = await intake.numberAll(await takeInWhole(added, intakes));
      settled = await this.#settling.settle({ id, settlement, newMessages, fence });
      if (settled.kind === 'kept' || settled.kind === 'removed') await this.#noteArrivals(newMessages);
    } catch (error) {
      if (error instanceof UnknownOutcome && newMessages.length > 0) this.#holdings.suspectStrays();
      throw error;
    } finally {
      intake.forget(newMessages);
      // Of what was stored nothing is discarded: its intake went with the transaction.
      if (settled?.kind !== 'kept' && settled?.kind !== 'removed') {
        await Promise.all(intakes.map((each) => each.discard()));
      }
    }
    return this.#conclude(id, settled);
  }

  /** Follows up what a settlement did to the tables. */
  async #conclude(id: number, settled: PostgresSettled): Promise<SpooledMessage | undefined> {
    if (settled.kind === 'damaged') await this.#parts.shelf.setAside(id, settled.reason);
    if (settled.kind === 'removed' || settled.kind === 'gone') this.#forget(id);
    if (settled.kind !== 'kept' && settled.kind !== 'late') return undefined;
    this.#recent.drop(id);
    if (settled.isFree === true && !settled.message.suspended) {
      this.#bell.ring();
      this.#parts.bell.wakeOthers();
    }
    return settled.message;
  }

  /** True when the message is in memory as it was stored, and this is the end of it. */
  #endsUntouched(id: number, settlement: Settlement): boolean {
    const message = this.#recent.get(id)?.message;
    return message !== undefined && this.#held.isHeld(id) && !isPending(settleState(message, settlement));
  }

  #forget(id: number): void {
    this.#held.forget(id);
    this.#recent.drop(id);
  }

  async #load(ids: readonly number[]): Promise<SpooledMessage[]> {
    const recent = new Map(ids.map((id) => [id, this.#recent.get(id)?.message]));
    const missing = ids.filter((id) => recent.get(id) === undefined);
    const read = missing.length > 0 ? await this.#parts.shelf.loadAll(missing) : [];
    for (const message of read) recent.set(message.id, message);
    return ids.map((id) => recent.get(id)).filter((message) => message !== undefined);
  }

  #newIntake(): BodyIntake {
    return new BodyIntake(this.#parts.bodies, { inlineLimitBytes: INLINE_LIMIT_BYTES, room: ROOM });
  }

  #requireOpen(): void {
    if (this.#closed) throw closedProblem();
  }
}
