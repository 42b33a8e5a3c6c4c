// Messages on their way into the database: whole groups in one statement, each held by this server from the start, so that nobody
// delivers what has not been acknowledged yet. When the connection is lost under a group its outcome is found out by asking again
// for the very same, under the ids that it had; only if that takes too long are its senders told to come back. Then nothing else is
// taken in before the database has answered, so that what hangs there stays a few groups, and their bodies are not kept.

import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import { BatchLane, Failure } from './batch-lane.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { UnknownOutcome, unavailableProblem } from './postgres-fault.ts';
import type { PostgresNode } from './postgres-node.ts';
import type { NumberedMessage } from './postgres-rows.ts';
import { ID_BLOCK } from './postgres-schema.ts';
import {
  barrierStatement,
  deleteStatement,
  insertStatement,
  placeStatement,
  presentStatement,
} from './postgres-store.ts';
import type { UnstoredMessage } from './spool-database.ts';

const MAX_GROUP = 128;
const MAX_GROUP_BYTES = 2 * 1024 * 1024;
/** Groups at a time; the server syncs those that commit together once. */
const WIDTH = 3;
/** The outcome of a group is asked for during so many timeouts, and so often. */
const FIND_OUT_TIMEOUTS = 2;
const ASK_AGAIN_MS = 250;
const TAKE_BACK_AGAIN_MS = 1000;

export interface IntakeOptions {
  readonly connection: PostgresConnection;
  readonly node: PostgresNode;
  readonly log: Log;
}

export class PostgresIntake {
  readonly #options: IntakeOptions;
  readonly #schema: string;
  readonly #lane: BatchLane<NumberedMessage, NumberedMessage>;
  /** Ids that are this server's and not used yet. */
  #ids: number[] = [];
  #block: Promise<void> | undefined;
  readonly #arriving = new Set<number>();
  /** Their senders were told to come back; which row of `node` held them. */
  readonly #refused = new Map<number, number>();
  #isTakingBack = false;
  readonly #elsewhere = new Set<number>();
  #isClosed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#schema = options.connection.config.schema;
    this.#lane = new BatchLane({
      run: (messages) => this.#store(messages),
      width: WIDTH,
      maxJobs: MAX_GROUP,
      maxBytes: MAX_GROUP_BYTES,
      sizeOf: ({ body }) => body.content?.length ?? 0,
    });
  }

  /**
   * Stores a message and hands it to `take` once it is committed. Problem `spool-unavailable`: it is not, or is taken back as soon as
   * that can be.
   */
  async store<T>(message: UnstoredMessage, take: (stored: NumberedMessage) => Promise<T>): Promise<T> {
    const [numbered] = await this.numberAll([message]);
    if (!numbered) throw new Error('a message got no number');
    try {
      return await take(await this.#lane.add(numbered));
    } finally {
      this.forget([numbered]);
    }
  }

  /** True for a message of this server's that is not stored yet, or was refused and is still there. */
  isArriving(id: number): boolean {
    return this.#arriving.has(id) || this.#refused.has(id);
  }

  /** True for a message that is stored, and may be another server's by now. */
  mayBeElsewhere(id: number): boolean {
    return this.#elsewhere.has(id);
  }

  /**
   * An id that no other message has or will have. Problem `spool-unavailable`, also while the database still owes an answer about
   * messages that were refused.
   */
  async nextId(): Promise<number> {
    for (;;) {
      if (this.#refused.size > 0) throw unavailableProblem(new Error('it has not answered about earlier messages'));
      const id = this.#ids.shift();
      if (id !== undefined) return id;
      this.#block ??= this.#fetchBlock().finally(() => {
        this.#block = undefined;
      });
      await this.#block;
    }
  }

  /** Gives each message its id; the one that its body has already, where that is in pieces. They are arriving until forgotten. */
  async numberAll(messages: readonly UnstoredMessage[]): Promise<NumberedMessage[]> {
    const numbered: NumberedMessage[] = [];
    for (const message of messages) {
      const { fileName } = message.body;
      const id = fileName === undefined ? await this.nextId() : Number(fileName);
      this.#arriving.add(id);
      numbered.push({ ...message, id });
    }
    return numbered;
  }

  forget(messages: readonly NumberedMessage[]): void {
    for (const { id } of messages) {
      this.#arriving.delete(id);
      this.#elsewhere.delete(id);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#lane.close();
  }

  async #fetchBlock(): Promise<void> {
    const [row] = await this.#options.connection.query<{ last: number }>(
      `SELECT nextval('${this.#schema}.message_id') AS last`,
    );
    const last = row?.last ?? 0;
    this.#ids = Array.from({ length: ID_BLOCK }, (_, index) => last - ID_BLOCK + 1 + index);
  }

  async #store(messages: readonly NumberedMessage[]): Promise<readonly (NumberedMessage | Failure)[]> {
    const stored = await this.#insert(messages);
    return messages.map((message) => (stored.has(message.id) ? message : new Failure(refusedProblem())));
  }

  /** Ids of those that are committed. */
  async #insert(messages: readonly NumberedMessage[]): Promise<ReadonlySet<number>> {
    const { connection, node } = this.#options;
    const nodeId = node.id;
    const { text, values } = insertStatement(this.#schema, messages, nodeId);
    const stored = new Set<number>();
    try {
      for (const { id } of await connection.query<{ id: number }>(text, values)) stored.add(id);
    } catch (error) {
      if (!(error instanceof UnknownOutcome)) throw error;
      return this.#findOut(messages, nodeId, error);
    }
    if (node.id !== nodeId || !node.isSure()) this.#noteElsewhere(stored);
    // A body in pieces that were removed when this server was held for dead has come to nothing: its message is refused. One that
    // is whole is not stored by a statement which succeeded for one reason: others hold this server for dead now.
    const again = messages.filter(({ id, body }) => !stored.has(id) && body.fileName === undefined);
    if (again.length === 0) return stored;
    if (nodeId === node.id) await node.renewRow(nodeId);
    for (const id of await this.#insert(again)) stored.add(id);
    return stored;
  }

  async #findOut(
    messages: readonly NumberedMessage[],
    nodeId: number,
    first: UnknownOutcome,
  ): Promise<ReadonlySet<number>> {
    const { log, connection } = this.#options;
    const endMs = performance.now() + FIND_OUT_TIMEOUTS * connection.config.timeout;
    log.warn({ messages: messages.length, error: first.message }, 'spool: finding out whether messages were stored');
    while (performance.now() < endMs && !this.#isClosed) {
      await wait(ASK_AGAIN_MS);
      try {
        return await this.#insertAgain(messages, nodeId);
      } catch {
        // Asked again until the time is over.
      }
    }
    for (const { id } of messages) this.#refused.set(id, nodeId);
    if (!this.#isTakingBack) void this.#takeBackAll();
    throw first;
  }

  /**
   * Waits for the first attempt where it is still under way somewhere, since both would have the same ids; not for ever, or what
   * waits in the database would become more with each attempt. What is found counts once a later commit has returned: the first one
   * may have come to nothing but this server's disk.
   */
  async #insertAgain(messages: readonly NumberedMessage[], nodeId: number): Promise<ReadonlySet<number>> {
    const { connection } = this.#options;
    const ids = messages.map(({ id }) => id);
    const rows = await connection.transact(async ({ query }) => {
      const insert = insertStatement(this.#schema, messages, nodeId);
      await query(insert.text, insert.values);
      const barrier = barrierStatement();
      await query(barrier.text, barrier.values);
      const present = presentStatement(this.#schema, ids);
      return query<{ id: number }>(present.text, present.values);
    });
    const found = new Set(rows.map(({ id }) => id));
    // So long after the first attempt others may have taken over what it stored.
    this.#noteElsewhere(found);
    return found;
  }

  #noteElsewhere(ids: ReadonlySet<number>): void {
    for (const id of ids) this.#elsewhere.add(id);
  }

  /** What was refused must not be delivered: it comes again. While this server holds it nobody does. */
  async #takeBackAll(): Promise<void> {
    const { node, log } = this.#options;
    this.#isTakingBack = true;
    while (this.#refused.size > 0 && !this.#isClosed) {
      // What a former row of this server held is others' by now.
      for (const [id, nodeId] of this.#refused) if (nodeId !== node.id) this.#refused.delete(id);
      const ids = [...this.#refused.keys()].slice(0, MAX_GROUP);
      try {
        await this.#takeBack(ids, node.id);
        for (const id of ids) this.#refused.delete(id);
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'spool: messages that were refused cannot be taken back yet');
        await wait(TAKE_BACK_AGAIN_MS, undefined, { ref: false });
      }
    }
    this.#isTakingBack = false;
  }

  /** Their ids are taken first: that waits for whoever may still be storing them. */
  async #takeBack(ids: readonly number[], nodeId: number): Promise<void> {
    if (ids.length === 0) return;
    await this.#options.connection.transact(async ({ query }) => {
      const place = placeStatement(this.#schema, ids, nodeId);
      await query(place.text, place.values);
      const remove = deleteStatement(this.#schema, ids, nodeId);
      await query(remove.text, remove.values);
    });
  }
}

function refusedProblem(): Error {
  return unavailableProblem(new Error('this server was held for dead and its unfinished messages were removed'));
}
