// The way to the database: a pool of connections to the primary, found anew when it is lost. A statement whose connection ended
// is never sent again from here: whether it was done is for the caller to find out.

import { Pool, type PoolClient, type QueryResultRow, TypeOverrides, types } from 'pg';
import type { PostgresSpoolConfig } from '../config-spool.ts';
import { formatEndpoint, type Endpoint } from '../config-values.ts';
import type { Log } from '../log.ts';
import { isProblem, messageOf } from '../problem.ts';
import { closedProblem } from './spool-problems.ts';
import { endsConnection, explainPostgresFault, mayBeReplaced, unavailableProblem } from './postgres-fault.ts';
import { clientConfig, findPrimary, PrimaryCheck, sayGoodbye } from './postgres-hosts.ts';
import { findPoolMode, type PoolMode } from './postgres-pooler.ts';

/** Where no primary was found, nobody asks again before so long. In milliseconds. */
const SEARCH_AGAIN_MS = 250;

const TRANSACTION_MODE =
  'spool: the database is reached through a pooler in transaction mode: no notification comes through it, mail that another server gives back is found after pollInterval';

/** Ids and sizes are far below 2^53. */
const NUMBERS = new TypeOverrides();
NUMBERS.setTypeParser(types.builtins.INT8, Number);

/** Statements of one transaction. */
export interface Transaction {
  readonly query: <Row extends QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
}

interface Place {
  readonly host: Endpoint;
  readonly pool: Pool;
  /** A connection is a session, as it is without a pooler too. */
  readonly mode: PoolMode;
}

export class PostgresConnection {
  readonly config: PostgresSpoolConfig;
  readonly #log: Log;
  readonly #check: PrimaryCheck;
  readonly #begin: string;
  #place: Place | undefined;
  #search: Promise<Place> | undefined;
  #failure: { readonly error: unknown; readonly untilMs: number } | undefined;
  readonly #checked = new WeakSet<PoolClient>();
  #isClosed = false;

  constructor(config: PostgresSpoolConfig, log: Log) {
    this.config = config;
    this.#log = log;
    // A machine that loses its power says no farewell: without an end of their own its locks would last as long as the database
    // believes in the connection, for hours. In milliseconds.
    const { timeout } = config;
    this.#begin = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${timeout}; SET LOCAL lock_timeout = ${timeout}`;
    let told = '';
    this.#check = new PrimaryCheck(config, (weak) => {
      if (told === weak.join()) return;
      told = weak.join();
      log.warn({ weak }, 'spool: the database may lose acknowledged mail, which allowUnsafe accepts');
    });
  }

  /** Where the primary is; Problems of `findPrimary`. */
  async primary(): Promise<Endpoint> {
    return (await this.#find()).host;
  }

  /** Whether notifications come through; Problems of `primary`. */
  async canListen(): Promise<boolean> {
    return (await this.#find()).mode === 'session';
  }

  /** One statement, which is a transaction of its own. Problem `spool-unavailable`, UnknownOutcome among them. */
  async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#use(async (client) => (await client.query<Row>(text, [...values])).rows);
  }

  /** What `work` does is done whole or not at all. Problems as `query`, and whatever `work` throws. */
  async transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#use(async (client) => {
      await client.query(this.#begin);
      try {
        const result = await work({
          query: async <Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) =>
            (await client.query<Row>(text, [...values])).rows,
        });
        await client.query('COMMIT');
        return result;
      } catch (error) {
        if (!endsConnection(error)) await client.query('ROLLBACK').catch(() => undefined);
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const place = this.#place;
    this.#place = undefined;
    if (place) await sayGoodbye(place.pool.end());
  }

  async #use<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const place = await this.#find();
    const client = await this.#take(place);
    let failure: unknown;
    try {
      return await work(client);
    } catch (error) {
      failure = error;
      if (isOver(error)) this.#leave(place, error);
      throw explainPostgresFault(error);
    } finally {
      client.release(isOver(failure));
    }
  }

  /** A connection that has been checked. Problem `spool-unavailable` or `spool-unsafe`: nothing was sent. */
  async #take(place: Place): Promise<PoolClient> {
    let client: PoolClient | undefined;
    try {
      client = await place.pool.connect();
      // Where each use may lead to another session, each is asked.
      if (this.#checked.has(client) && place.mode === 'session') return client;
      // While it is in use its end is told by its statement, and without a listener it would end the process.
      if (!this.#checked.has(client)) client.on('error', () => {});
      // Every session: a role or a database may have settings of its own.
      if (!(await this.#check.check(client, place.host))) throw new Error('it is the primary no more');
      this.#checked.add(client);
      return client;
    } catch (error) {
      client?.release(true);
      this.#leave(place, error);
      throw isProblem(error) ? error : unavailableProblem(error);
    }
  }

  #find(): Promise<Place> {
    if (this.#isClosed) return Promise.reject(closedProblem());
    if (this.#place) return Promise.resolve(this.#place);
    if (this.#failure && performance.now() < this.#failure.untilMs) return Promise.reject(this.#failure.error);
    this.#search ??= this.#open().finally(() => {
      this.#search = undefined;
    });
    return this.#search;
  }

  async #open(): Promise<Place> {
    try {
      const { host, timeline, isPooled } = await findPrimary(this.config, this.#check);
      const mode = isPooled ? await findPoolMode(this.config, host) : 'session';
      const pool = new Pool({ ...clientConfig(this.config, host), types: NUMBERS, max: this.config.connections });
      const place = { host, pool, mode };
      place.pool.on('error', (error) => this.#leave(place, error));
      this.#failure = undefined;
      this.#place = place;
      this.#log.info({ database: formatEndpoint(host), timeline }, 'spool: found the primary');
      if (mode === 'transaction') this.#log.warn({ database: formatEndpoint(host) }, TRANSACTION_MODE);
      return place;
    } catch (error) {
      this.#failure = { error, untilMs: performance.now() + SEARCH_AGAIN_MS };
      throw error;
    }
  }

  /** The next statement looks for the primary anew. */
  #leave(place: Place, reason: unknown): void {
    if (this.#place !== place) return;
    this.#place = undefined;
    this.#log.warn({ database: formatEndpoint(place.host), error: messageOf(reason) }, 'spool: lost the database');
    place.pool.end().catch(() => {});
  }
}

/** True when the connection it came from is of no use any more. */
function isOver(error: unknown): boolean {
  return error !== undefined && (endsConnection(error) || mayBeReplaced(error));
}
