// How servers on one database hear that there may be something to claim: LISTEN on a connection of its own, and a look at the table
// now and then, which is enough by itself where notifications do not come through (PgBouncer in transaction mode). What this server
// did itself it knows.

import { Client, type Notification } from 'pg';
import type { Endpoint } from '../config-values.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { clientConfig, sayGoodbye, patienceColumns } from './postgres-hosts.ts';

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
  /** Where it listens. */
  #primary: Endpoint | undefined;
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
    if (client) await sayGoodbye(client.end());
  }

  async #listen(): Promise<void> {
    const { connection, log, onWake, onWish } = this.#options;
    let client: Client | undefined;
    try {
      if (!(await connection.canListen())) return;
      const primary = await connection.primary();
      client = new Client(clientConfig(connection.config, primary));
      const made = client;
      this.#client = made;
      this.#primary = primary;
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
      await made.query(`SELECT ${patienceColumns(connection.config.timeout)}; LISTEN ${connection.config.schema}`);
      if (this.#isClosed) await made.end();
      // What came before is not told.
      else onWake();
    } catch (error) {
      if (this.#client === client) this.#client = undefined;
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
    await this.#leaveFormer();
    if (!this.#client) await this.#listen();
    const client = this.#client;
    if (!client && !isWanted()) return;
    const text = `SELECT EXISTS (SELECT FROM ${connection.config.schema}.message
      WHERE owner IS NULL AND damage IS NULL AND suspended < 2) AS "isThere"`;
    // Asked where it listens, since a connection that has gone silent shows in nothing but that.
    const asked = client
      ? client.query<{ isThere: boolean }>(text).then(({ rows }) => rows)
      : connection.query<{ isThere: boolean }>(text);
    const rows = await asked.catch(() => (client ? this.#forget(client) : []));
    if (isWanted() && rows[0]?.isThere === true) onWake();
  }

  /** Another primary may have been found since: the former one, where it lives, would be listened to for ever. */
  async #leaveFormer(): Promise<void> {
    const client = this.#client;
    if (!client) return;
    const primary = await this.#options.connection.primary().catch(() => undefined);
    if (primary && primary !== this.#primary) this.#forget(client);
  }

  #forget(client: Client): [] {
    if (this.#client === client) this.#client = undefined;
    client.end().catch(() => undefined);
    return [];
  }
}
