// The spool of one process: node:sqlite in WAL mode with group commit, large bodies in synced files beside it. One owner at
// a time, by SQLite's own kernel lock, so a claim ends with the process and needs no lease. Tables: spool-database.ts; transaction:
// group-commit.ts; sync: journal.ts, unsynced-messages.ts; files: body-folder.ts; start: spool-opening.ts.

import type { Cancel } from '../clock.ts';
import { messageOf, Problem } from '../problem.ts';
import { ArrivalBell } from './arrival-bell.ts';
import { BodyIntake } from './body-intake.ts';
import { BodyDamage, readBody } from './body-reader.ts';
import { DamagedMessages } from './damaged-messages.ts';
import { explainDiskFault, explainOpeningFault, isCorruption } from './disk-fault.ts';
import { DiskRoom } from './disk-room.ts';
import { EmbeddedWriter, takeInWhole } from './embedded-writer.ts';
import type { JournalOptions } from './journal.ts';
import { decodeHead } from './message-head.ts';
import { RecentMessages } from './recent-messages.ts';
import { salvageMessage } from './salvage.ts';
import { isAllOver, type Settled, settleMessage } from './settle-step.ts';
import type {
  ClaimOptions,
  DamagedMessage,
  ListOptions,
  MessageHead,
  NewMessage,
  SalvagedMessage,
  Settlement,
  SpoolCount,
  SpoolFinding,
  SpooledMessage,
  SpoolOptions,
  SpoolWriter,
} from './spool.ts';
import type { UnstoredMessage } from './spool-database.ts';
import type { SharedSpool } from './spool-door.ts';
import { journalFindings } from './spool-findings.ts';
import { INLINE_LIMIT_BYTES, RESERVE_SIZE_BYTES } from './spool-limits.ts';
import { openSpoolParts, type SpoolParts } from './spool-opening.ts';
import { closedProblem, goneProblem } from './spool-problems.ts';
import { UnsyncedMessages } from './unsynced-messages.ts';
import { WorkUnderWay } from './work-under-way.ts';

export interface EmbeddedSpoolOptions extends SpoolOptions, JournalOptions {
  /** New mail is refused when the disk has less than this left, so that queued mail can still be settled. Default 32 MiB. */
  readonly reserveSizeBytes?: number;
}

export class EmbeddedSpool implements SharedSpool {
  readonly backend = 'embedded';
  readonly #parts: SpoolParts;
  readonly #room: DiskRoom;
  readonly #claims = new Map<number, string>();
  readonly #damaged: DamagedMessages;
  readonly #poison: Set<number>;
  readonly #totals: { messages: number; bytes: number };
  readonly #recent = new RecentMessages();
  readonly #unsynced: UnsyncedMessages;
  readonly #bell = new ArrivalBell();
  readonly #work: WorkUnderWay;
  #closed = false;

  private constructor(options: EmbeddedSpoolOptions, parts: SpoolParts) {
    this.#parts = parts;
    this.#work = new WorkUnderWay(options.log);
    this.#unsynced = new UnsyncedMessages({
      ...parts,
      work: this.#work,
      onArrival: (stored, { body }) => {
        this.#recent.put(stored, body);
        this.#noteArrivals([stored]);
      },
      onWithdrawal: ({ id, bodySizeBytes }) => this.#forget(id, bodySizeBytes),
    });
    const countFreeBytes = () => parts.database.countFreeBytes();
    this.#room = new DiskRoom({ reserveSizeBytes: RESERVE_SIZE_BYTES, ...options, countFreeBytes });
    this.#damaged = new DamagedMessages({ ...parts, work: this.#work, options }, parts.damaged);
    this.#poison = new Set(parts.poisonIds);
    this.#totals = { ...parts.totals };
  }

  /** Opens or makes the spool in `options.folder`; Problems as in SpoolBackend. */
  static async open(options: EmbeddedSpoolOptions): Promise<EmbeddedSpool> {
    try {
      const spool = new EmbeddedSpool(options, await openSpoolParts(options));
      // Poison is never claimed: a state that only says so by a flipped bit is found out here.
      await spool.listPoison();
      return spool;
    } catch (error) {
      throw explainOpeningFault(error);
    }
  }

  receive(): SpoolWriter {
    this.#requireOpen();
    return new EmbeddedWriter(this.#newIntake(), (message) => this.adopt(message));
  }

  async adopt(message: UnstoredMessage): Promise<SpooledMessage> {
    this.#requireOpen();
    this.#room.require(message.body.content?.length ?? 0);
    return this.#unsynced.store(message);
  }

  async claim(options: ClaimOptions): Promise<SpooledMessage[]> {
    this.#requireOpen();
    const ids = this.#parts.database.listDue(options);
    const messages = this.#loadAll(ids);
    if (messages.length < ids.length) {
      // A row that waits and is not there is damage as well. What was set aside waits no more: others take its place.
      const found = new Set(messages.map(({ id }) => id));
      for (const id of ids) if (!found.has(id)) this.#setAside(id, 'its row cannot be found');
      return this.claim(options);
    }
    for (const id of ids) {
      this.#parts.database.unwait(id);
      this.#claims.set(id, options.owner);
    }
    return messages;
  }

  async claimHeads(options: ClaimOptions): Promise<MessageHead[]> {
    this.#requireOpen();
    const { database } = this.#parts;
    const heads: MessageHead[] = [];
    for (const columns of database.listHeads(options)) {
      // What makes no sense is read whole, and set aside for its true reason.
      const head = decodeHead(columns) ?? this.#load(columns.id);
      if (head) {
        heads.push(head);
        this.#claims.set(head.id, options.owner);
        database.unwait(head.id);
      } else this.#setAside(columns.id, 'its row cannot be found');
    }
    return heads;
  }

  onArrival(listener: () => void): Cancel {
    return this.#bell.listen(listener);
  }

  openBody(message: SpooledMessage): AsyncIterable<Buffer> {
    return this.#readBody(message.id);
  }

  async settle(
    id: number,
    settlement: Settlement,
    newMessages: readonly NewMessage[] = [],
  ): Promise<SpooledMessage | undefined> {
    this.#requireOpen();
    if (this.#damaged.has(id)) return undefined;
    return this.#work.track(this.#settle(id, settlement, newMessages));
  }

  async release(ids: readonly number[], owner: string): Promise<void> {
    this.#requireOpen();
    const held = ids.filter((id) => this.#claims.get(id) === owner);
    for (const id of held) {
      this.#claims.delete(id);
      this.#parts.database.wait(id);
    }
    if (held.length > 0) this.#bell.ring();
  }

  async renew(ids: readonly number[], owner: string): Promise<readonly number[]> {
    this.#requireOpen();
    return ids.filter((id) => this.#claims.get(id) === owner);
  }

  async count(): Promise<SpoolCount> {
    this.#requireOpen();
    return { ...this.#totals, damaged: this.#damaged.size, poison: this.#poison.size };
  }

  async get(id: number): Promise<SpooledMessage | undefined> {
    this.#requireOpen();
    return this.#load(id);
  }

  async list(options: ListOptions): Promise<SpooledMessage[]> {
    this.#requireOpen();
    const found: SpooledMessage[] = [];
    let afterId = options.afterId ?? 0;
    while (found.length < options.limit) {
      const ids = this.#parts.database.listIds(afterId, options.limit - found.length);
      if (ids.length === 0) break;
      this.#recent.dropAll(ids);
      for (const message of this.#loadAll(ids)) found.push(message);
      afterId = ids.at(-1) ?? afterId;
    }
    return found;
  }

  async listDamaged(): Promise<DamagedMessage[]> {
    this.#requireOpen();
    return this.#damaged.list();
  }

  async discardDamaged(id: number): Promise<boolean> {
    this.#requireOpen();
    return this.#damaged.discard(id);
  }

  async salvage(id: number): Promise<SalvagedMessage | undefined> {
    this.#requireOpen();
    return salvageMessage(id, this.#parts.database, this.#parts.bodies);
  }

  async listPoison(): Promise<SpooledMessage[]> {
    this.#requireOpen();
    return this.#loadAll([...this.#poison]);
  }

  async inspectFiles(): Promise<SpoolFinding[]> {
    this.#requireOpen();
    const { bodies, database, folder } = this.#parts;
    return [...journalFindings(folder), ...(await bodies.inspect((name) => database.isBodyFile(name)))];
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#work.finished();
    await this.#parts.group.close();
    await this.#parts.bodies.close();
    this.#parts.journal.close();
    this.#parts.connection.close();
  }

  async #settle(id: number, settlement: Settlement, added: readonly NewMessage[]): Promise<SpooledMessage | undefined> {
    const { database, bodies } = this.#parts;
    const places = { database, recent: this.#recent };
    if (!this.#claims.has(id)) database.layDownFresh();
    const intakes = added.map(() => this.#newIntake());
    let step: Settled | undefined;
    try {
      const newMessages = await takeInWhole(added, intakes);
      const settled = await this.#parts.group.run({
        write: () => settleMessage(places, { id, settlement, newMessages, unclaimed: !this.#claims.has(id) }),
        // Synced or not, it stays: what has been delivered must not come back, and is settled again until it is synced.
        written: (result) => {
          step = result;
        },
        isPatient: isAllOver,
      });
      // Not before: a power cut would bring back the row.
      if (settled.kind === 'removed' && settled.fileName !== null) this.#work.leave(bodies.remove(settled.fileName));
      return settled.kind === 'kept' || settled.kind === 'late' ? settled.message : undefined;
    } catch (error) {
      throw explainDiskFault(error);
    } finally {
      if (step) this.#conclude(id, step);
      if (step?.kind === 'kept' || step?.kind === 'removed') this.#noteArrivals(step.added);
      else await Promise.all(intakes.map((intake) => intake.discard()));
    }
  }

  /** Follows up what a settlement did to the tables. */
  #conclude(id: number, settled: Settled): void {
    if (settled.kind === 'damaged') this.#setAside(id, settled.reason);
    if (settled.kind === 'removed') this.#forget(id, settled.sizeBytes);
    if (settled.kind !== 'kept' && settled.kind !== 'late') return;
    if (settled.message.poison) this.#poison.add(id);
    else this.#poison.delete(id);
    if (!this.#claims.has(id) && !settled.message.suspended) this.#bell.ring();
  }

  /** The message if it is there and good; a damaged one is set aside. */
  #load(id: number): SpooledMessage | undefined {
    if (this.#damaged.has(id)) return undefined;
    const recent = this.#recent.get(id);
    if (recent) return recent.message;
    try {
      const loaded = this.#parts.database.load(id);
      if (loaded?.kind === 'good') return loaded.message;
      if (loaded) this.#setAside(id, loaded.reason);
      return undefined;
    } catch (error) {
      throw explainDiskFault(error);
    }
  }

  #loadAll(ids: readonly number[]): SpooledMessage[] {
    return ids.map((id) => this.#load(id)).filter((message) => message !== undefined);
  }

  async *#readBody(id: number): AsyncGenerator<Buffer> {
    try {
      this.#requireOpen();
      await this.#unsynced.wait(id);
      const content = this.#recent.get(id)?.body.content;
      // It has been in memory ever since its checksum was made.
      if (content) {
        if (content.length > 0) yield content;
        return;
      }
      const place = this.#damaged.has(id) ? undefined : this.#parts.database.findBody(id);
      if (!place) throw goneProblem(id);
      yield* readBody(place, this.#parts.bodies);
    } catch (error) {
      const isDamage = error instanceof BodyDamage || isCorruption(error);
      throw isDamage ? this.#judgeDamage(id, error) : explainDiskFault(error);
    }
  }

  #judgeDamage(id: number, damage: unknown): Problem {
    // What was settled while it was read has lost its file in good order.
    if (this.#closed) return closedProblem();
    if (this.#parts.database.sizeOf(id) === undefined) return goneProblem(id);
    const reason = messageOf(damage);
    this.#setAside(id, reason);
    return new Problem('spool-damaged', `message ${id} is damaged and was set aside: ${reason}`, {
      cause: damage,
    });
  }

  #setAside(id: number, reason: string): void {
    if (this.#damaged.add(id, reason)) this.#forget(id, this.#parts.database.sizeOf(id) ?? 0);
  }

  #forget(id: number, sizeBytes: number): void {
    this.#claims.delete(id);
    this.#poison.delete(id);
    this.#recent.drop(id);
    this.#totals.messages -= 1;
    this.#totals.bytes -= sizeBytes;
  }

  #noteArrivals(messages: readonly SpooledMessage[]): void {
    for (const message of messages) {
      this.#totals.messages += 1;
      this.#totals.bytes += message.bodySizeBytes;
      this.#parts.database.waitFresh(message);
    }
    if (messages.length > 0) this.#bell.ring();
  }

  #newIntake(): BodyIntake {
    return new BodyIntake(this.#parts.bodies, { inlineLimitBytes: INLINE_LIMIT_BYTES, room: this.#room });
  }

  #requireOpen(): void {
    if (this.#closed) throw closedProblem();
  }
}
