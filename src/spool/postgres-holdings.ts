// What this server holds in the database, kept in step with what it knows of: claims one after the other, gives back in groups. When
// the connection was lost under a claim there may be messages that are this server's and that nobody here knows of; they are found
// before the next claim, so that none is stuck.

import { Problem } from '../problem.ts';
import { BatchLane } from './batch-lane.ts';
import type { HeldMessages } from './held-messages.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { unavailableProblem } from './postgres-fault.ts';
import type { PostgresIntake } from './postgres-intake.ts';
import type { PostgresNode } from './postgres-node.ts';
import type { ClaimOptions, MessageHead } from './spool.ts';

export interface HoldingsOptions {
  readonly connection: PostgresConnection;
  readonly node: PostgresNode;
  readonly intake: PostgresIntake;
  readonly held: HeldMessages;
  /** There may be something to claim. */
  readonly onFreed: () => void;
}

/** How messages are read that are this server's, and how others are claimed. */
export interface ClaimWays<T extends Pick<MessageHead, 'id'>> {
  load(ids: readonly number[]): Promise<T[]>;
  more(options: ClaimOptions): Promise<T[]>;
}

const MAX_GROUP = 500;
/** After a statement whose outcome nobody knows. */
const LOOK_AFTER_MS = [1000, 5000, 30_000, 120_000];

export class PostgresHoldings {
  readonly #options: HoldingsOptions;
  readonly #table: string;
  readonly #returning: BatchLane<readonly number[], undefined>;
  #claiming: Promise<unknown> = Promise.resolve();
  #mayHaveStrays = false;
  #timers: NodeJS.Timeout[] = [];
  #isClosed = false;

  constructor(options: HoldingsOptions) {
    this.#options = options;
    this.#table = `${options.connection.config.schema}.message`;
    this.#returning = new BatchLane({
      run: async (groups) => {
        await this.#free(groups.flat());
        return groups.map(() => undefined);
      },
      width: 2,
      maxJobs: MAX_GROUP,
    });
  }

  /** Claims for `options.owner`, first what is ready here. Problem `spool-unavailable`. */
  claim<T extends Pick<MessageHead, 'id'>>(options: ClaimOptions, ways: ClaimWays<T>): Promise<T[]> {
    const claimed = this.#claiming.then(() => this.#claim(options, ways));
    this.#claiming = claimed.catch(() => undefined);
    return claimed;
  }

  /** For anybody to claim. Never fails: what cannot be given back now is a stray. */
  async giveBack(ids: readonly number[]): Promise<void> {
    await this.#returning.add(ids).catch(() => this.suspectStrays());
  }

  /** A statement was lost on its way: looks for what it may have left, more than once, since it may be under way still. */
  suspectStrays(): void {
    if (this.#isClosed) return;
    this.#mayHaveStrays = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = LOOK_AFTER_MS.map((delayMs) =>
      setTimeout(() => {
        // A look that failed is one more statement that was lost; who claims nothing now would never look again.
        this.#claiming = this.#claiming.then(() => this.#freeStrays()).catch(() => this.suspectStrays());
      }, delayMs).unref(),
    );
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Which of these `owner` still holds. */
  async renew(ids: readonly number[], owner: string): Promise<readonly number[]> {
    const { connection, node, held } = this.#options;
    const known = held.ofOwner(ids, owner);
    const rows = await connection.query<{ id: number }>(
      `SELECT id FROM ${this.#table} WHERE id = ANY($1::bigint[]) AND owner = $2`,
      [known, node.id],
    );
    const kept = new Set(rows.map(({ id }) => id));
    for (const id of known) if (!kept.has(id)) held.lose(id);
    return known.filter((id) => kept.has(id));
  }

  async #claim<T extends Pick<MessageHead, 'id'>>(options: ClaimOptions, ways: ClaimWays<T>): Promise<T[]> {
    const { held, node } = this.#options;
    if (this.#mayHaveStrays) await this.#freeStrays();
    const ready = held.takeReady(options);
    const own = await this.#load(ready, ways);
    const limit = options.limit - own.length;
    // Whoever may be held for dead need not ask: a claim that hangs there is one more that nobody hears the answer of.
    if (limit <= 0 || (own.length > 0 && !node.isSure())) return own;
    if (!node.isSure()) throw unavailableProblem(new Error('the lease of this server could not be renewed'));
    const nodeId = node.id;
    try {
      const more = await ways.more({ ...options, limit });
      // An answer to who this server no longer is: by now others may hold what it names.
      if (nodeId !== node.id)
        throw new Problem('spool-unavailable', 'the lease of this server ended while it claimed messages');
      for (const { id } of more) held.claim(id, options.owner);
      return [...own, ...more];
    } catch (error) {
      this.suspectStrays();
      // What was ready is claimed all the same; the failure shows again at the next call.
      if (own.length > 0) return own;
      throw error;
    }
  }

  async #load<T>(ids: readonly number[], ways: { load(ids: readonly number[]): Promise<T[]> }): Promise<T[]> {
    if (ids.length === 0) return [];
    try {
      return await ways.load(ids);
    } catch (error) {
      for (const id of ids) this.#options.held.forget(id);
      this.suspectStrays();
      throw error;
    }
  }

  async #free(ids: readonly number[]): Promise<void> {
    const { connection, node } = this.#options;
    await connection.query(`UPDATE ${this.#table} SET owner = NULL WHERE id = ANY($1::bigint[]) AND owner = $2`, [
      ids,
      node.id,
    ]);
  }

  async #freeStrays(): Promise<void> {
    const { connection, node, intake, held, onFreed } = this.#options;
    const nodeId = node.id;
    const rows = await connection.query<{ id: number }>(`SELECT id FROM ${this.#table} WHERE owner = $1`, [nodeId]);
    const strays = rows.map(({ id }) => id).filter((id) => !held.isHeld(id) && !intake.isArriving(id));
    if (strays.length > 0 && nodeId === node.id) {
      await this.#free(strays);
      onFreed();
    }
    this.#mayHaveStrays = false;
  }
}
