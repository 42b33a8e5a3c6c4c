// The spool of one process: node:sqlite in WAL mode with group commit, large bodies in synced files beside it. One owner at
// a time, by SQLite's own kernel lock, so a claim ends with the process and needs no lease. The tables are in
// spool-database.ts, the transaction in group-commit.ts, the files in body-folder.ts, the start in spool-opening.ts.

import type { Cancel } from '../clock.ts';
import { messageOf, Problem } from '../problem.ts';
import { ArrivalBell } from './arrival-bell.ts';
import { BodyIntake } from './body-intake.ts';
import { BodyDamage, readBody } from './body-reader.ts';
import { explainDiskFault, explainOpeningFault, isCorruption } from './disk-fault.ts';
import { requireRoom } from './disk-room.ts';
import { EmbeddedWriter, takeInWhole } from './embedded-writer.ts';
import { closedProblem, GroupCommit } from './group-commit.ts';
import { decodeHead } from './message-head.ts';
import { salvageMessage } from './salvage.ts';
import { type Settled, settleMessage } from './settle-step.ts';
import type {
  ClaimOptions,
  DamagedMessage,
  FileFinding,
  ListOptions,
  MessageHead,
  NewMessage,
  SalvagedMessage,
  Settlement,
  SpoolCount,
  SpooledMessage,
  SpoolOptions,
  SpoolWriter,
} from './spool.ts';
import type { UnstoredMessage } from './spool-database.ts';
import type { SharedSpool } from './spool-door.ts';
import { INLINE_LIMIT_BYTES, RESERVE_SIZE_BYTES } from './spool-limits.ts';
import { openSpoolParts, type SpoolParts } from './spool-opening.ts';

export interface EmbeddedSpoolOptions extends SpoolOptions {
  /** Bodies up to this size are kept in the database. Default 256 KiB. */
  readonly inlineLimitBytes?: number;
  /** New mail is refused when the disk has less than this left, so that queued mail can still be settled. Default 32 MiB. */
  readonly reserveSizeBytes?: number;
}

export class EmbeddedSpool implements SharedSpool {
  readonly backend = 'embedded';
  readonly #options: EmbeddedSpoolOptions;
  readonly #parts: SpoolParts;
  readonly #group: GroupCommit;
  readonly #claims = new Map<number, string>();
  readonly #damaged: Map<number, DamagedMessage>;
  readonly #poison: Set<number>;
  readonly #totals: { messages: number; bytes: number };
  readonly #bell = new ArrivalBell();
  readonly #underWay = new Set<Promise<void>>();
  #closed = false;

  private constructor(options: EmbeddedSpoolOptions, parts: SpoolParts) {
    this.#options = options;
    this.#parts = parts;
    this.#group = new GroupCommit(parts.connection);
    this.#damaged = new Map(parts.damaged.map((message) => [message.id, message]));
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
    this.#requireRoom();
    const insert = () => this.#parts.database.insert(message);
    const stored = await this.#track(this.#group.run(insert, message.body.content?.length));
    this.#noteArrivals([message]);
    return stored;
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
    return this.#track(this.#settle(id, settlement, newMessages));
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
    return { ...this.#totals, damaged: this.#damaged.size };
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
      const last = ids.at(-1);
      if (last === undefined) break;
      for (const message of this.#loadAll(ids)) found.push(message);
      afterId = last;
    }
    return found;
  }

  async listDamaged(): Promise<DamagedMessage[]> {
    this.#requireOpen();
    return [...this.#damaged.values()];
  }

  async salvage(id: number): Promise<SalvagedMessage | undefined> {
    this.#requireOpen();
    return salvageMessage(id, this.#parts.database, this.#parts.bodies);
  }

  async listPoison(): Promise<SpooledMessage[]> {
    this.#requireOpen();
    return this.#loadAll([...this.#poison]);
  }

  async inspectFiles(): Promise<FileFinding[]> {
    this.#requireOpen();
    const { database, bodies } = this.#parts;
    return bodies.inspect((name) => database.isBodyFile(name));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    this.#group.close();
    await this.#parts.bodies.close();
    this.#parts.connection.close();
  }

  async #settle(id: number, settlement: Settlement, added: readonly NewMessage[]): Promise<SpooledMessage | undefined> {
    const { database } = this.#parts;
    const intakes = added.map(() => this.#newIntake());
    let stored = false;
    try {
      const newMessages = await takeInWhole(added, intakes);
      const settled = await this.#group.run(() =>
        settleMessage(database, { id, settlement, newMessages, unclaimed: !this.#claims.has(id) }),
      );
      stored = settled.kind === 'kept' || settled.kind === 'removed';
      if (stored) this.#noteArrivals(newMessages);
      return this.#conclude(id, settled);
    } catch (error) {
      throw explainDiskFault(error);
    } finally {
      if (!stored) await Promise.all(intakes.map((intake) => intake.discard()));
    }
  }

  /** Follows up what a settlement did to the tables. */
  #conclude(id: number, settled: Settled): SpooledMessage | undefined {
    if (settled.kind === 'damaged') this.#setAside(id, settled.reason);
    if (settled.kind === 'removed') {
      this.#forget(id, settled.sizeBytes);
      if (settled.fileName !== null) this.#inBackground(this.#parts.bodies.remove(settled.fileName));
    }
    if (settled.kind !== 'kept' && settled.kind !== 'late') return undefined;
    if (settled.message.poison) this.#poison.add(id);
    else this.#poison.delete(id);
    if (!this.#claims.has(id) && !settled.message.suspended) this.#bell.ring();
    return settled.message;
  }

  /** The message if it is there and good; a damaged one is set aside. */
  #load(id: number): SpooledMessage | undefined {
    if (this.#damaged.has(id)) return undefined;
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

  /** Takes a damaged message out of use at once; the mark on disk follows, and would be found again if it were lost. */
  #setAside(id: number, reason: string): void {
    const { database } = this.#parts;
    database.unwait(id);
    if (this.#damaged.has(id)) return;
    const foundAt = this.#options.clock.now();
    this.#forget(id, database.sizeOf(id) ?? 0);
    this.#damaged.set(id, database.describeDamaged({ id, reason, foundAt }));
    this.#options.log.error({ id, reason }, 'spool: message is damaged and was set aside');
    this.#inBackground(this.#group.run(() => database.markDamaged(id, reason, foundAt)));
  }

  #forget(id: number, sizeBytes: number): void {
    this.#claims.delete(id);
    this.#poison.delete(id);
    this.#totals.messages -= 1;
    this.#totals.bytes -= sizeBytes;
  }

  #noteArrivals(messages: readonly UnstoredMessage[]): void {
    if (messages.length === 0) return;
    this.#totals.messages += messages.length;
    for (const { body } of messages) this.#totals.bytes += body.sizeBytes;
    this.#bell.ring();
  }

  /** What is under way is finished before the spool closes. */
  #track<T>(work: Promise<T>): Promise<T> {
    const watched: Promise<void> = work.then(
      () => void this.#underWay.delete(watched),
      () => void this.#underWay.delete(watched),
    );
    this.#underWay.add(watched);
    return work;
  }

  #inBackground(work: Promise<void>): void {
    void this.#track(
      work.catch((error: unknown) => {
        this.#options.log.warn({ error: messageOf(error) }, 'spool: work after the fact failed');
      }),
    );
  }

  #newIntake(): BodyIntake {
    const { inlineLimitBytes = INLINE_LIMIT_BYTES } = this.#options;
    return new BodyIntake(this.#parts.bodies, { inlineLimitBytes, requireRoom: () => this.#requireRoom() });
  }

  #requireOpen(): void {
    if (this.#closed) throw closedProblem();
  }

  #requireRoom(): void {
    const { folder, reserveSizeBytes = RESERVE_SIZE_BYTES } = this.#options;
    requireRoom({ folder, reserveSizeBytes, countFreeBytes: () => this.#parts.database.countFreeBytes() });
  }
}

function goneProblem(id: number): Problem {
  return new Problem('message-gone', `message ${id} is no longer in the spool`);
}
