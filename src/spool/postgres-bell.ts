// How servers on one database hear that there may be something to claim: LISTEN on a connection of its own, and a look at the table
// now and then, which is enough by itself where notifications do not come through (PgBouncer in transaction mode). What this server
// did itself it knows.

import { Client, type Notification } from 'pg';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { clientConfig } from './postgres-hosts.ts';

export interface BellOptions {
  readonly connection: PostgresConnection;
  readonly log: Log;
  /** This server's row, by which it knows its own notifications. */
  readonly node: () => number;
  readonly onWake: () => void;
  /** Something is wanted of a node. */
  readonly onWish: () => void;
  /** False: nobody would claim, and nothing is looked for. */
  readonly isWanted: () => boolean;
}

/** What is told when something is wanted of a node; else the row of who tells. */
export const WISH = 'wish';

/** No more notifications than one in so many milliseconds: each is a transaction, and one wakes for all that came before it. */
const NOTIFY_MS = 50;

export class PostgresBell {
  readonly #options: BellOptions;
  #client: Client | undefined;
  #poll: NodeJS.Timeout | undefined;
  #notify: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: BellOptions) {
    this.#options = options;
  }

  /** Begins to listen and to look. */
  async start(): Promise<void> {
    await this.#listen();
    this.#pollLater();
  }

  /** Tells the other servers. */
  wakeOthers(): void {
    if (this.#isClosed) return;
    this.#notify ??= setTimeout(() => {
      this.#notify = undefined;
      const { connection, node } = this.#options;
      // Nothing depends on it: who does not hear it looks.
      connection.query('SELECT pg_notify($1, $2)', [connection.config.schema, String(node())]).catch(() => undefined);
    }, NOTIFY_MS).unref();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#poll);
    clearTimeout(this.#notify);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  async #listen(): Promise<void> {
    const { connection, log, onWake, onWish } = this.#options;
    let client: Client | undefined;
    try {
      if (!(await connection.canListen())) return;
      client = new Client(clientConfig(connection.config, await connection.primary()));
      const made = client;
      this.#client = made;
      const forget = (): void => {
        if (this.#client === made) this.#client = undefined;
      };
      made.on('error', forget);
      made.on('end', forget);
      made.on('notification', ({ payload }: Notification) => {
        if (payload === WISH) onWish();
        else if (payload !== String(this.#options.node())) onWake();
      });
      await made.connect();
      await made.query(`LISTEN ${connection.config.schema}`);
      if (this.#isClosed) await made.end();
      // What came before is not told.
      else onWake();
    } catch (error) {
      this.#client = undefined;
      client?.end().catch(() => undefined);
      log.debug({ error: messageOf(error) }, 'spool: cannot listen for notifications; looking now and then');
    }
  }

  #pollLater(): void {
    if (this.#isClosed) return;
    this.#poll = setTimeout(
      () => void this.#look().finally(() => this.#pollLater()),
      this.#options.connection.config.pollInterval,
    );
    this.#poll.unref();
  }

  async #look(): Promise<void> {
    const { connection, isWanted, onWake } = this.#options;
    if (!this.#client) await this.#listen();
    if (!isWanted()) return;
    const text = `SELECT EXISTS (SELECT FROM ${connection.config.schema}.message
      WHERE owner IS NULL AND damage IS NULL AND suspended < 2) AS "isThere"`;
    const rows = await connection.query<{ isThere: boolean }>(text).catch(() => []);
    if (rows[0]?.isThere === true) onWake();
  }
}
