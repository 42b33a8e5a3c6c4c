// This server's row in `node`: what its claims hang on. It beats while the spool is open, watches the others, and takes from those
// that stand still what they hold (lease.ts says when). Who lost its own row begins anew under another one, and holds nothing.

import type { Cancel } from '../clock.ts';
import { isProblem, messageOf } from '../problem.ts';
import type { Log } from '../log.ts';
import { BEATS_A_LEASE, type Beat, type Instant, Lease, LeaseWatch } from './lease.ts';
import { WISH } from './postgres-bell.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { PostgresDrills } from './postgres-drills.ts';
import { unavailableProblem } from './postgres-fault.ts';
import { listFormer, outlive, twinProblem } from './postgres-former.ts';
import { refuseCopy } from './postgres-schema.ts';
import { formatReport, type NodeReport, parseReport, type SpoolNode, type SpoolNodes } from './spool-nodes.ts';

export interface NodeOptions {
  readonly connection: PostgresConnection;
  readonly log: Log;
  /** Whose folder this is: a server that is started again takes over at once from what it was before. */
  readonly server: string;
  readonly name: string;
  /** The folder is not where it was last: it may have been copied, and who had it before may live. */
  readonly isMoved: boolean;
  /** Opened for a copy, which an unfinished one does not stand in the way of. */
  readonly isCopying: boolean;
  /** The row is another's by now: nothing that was claimed under it is ours any more. */
  readonly onLost: () => void;
  /** Messages of somebody else, or of a former self, may be claimed now. */
  readonly onFreed: () => void;
}

function readInstant(): Instant {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

interface NodeRow {
  readonly id: number | null;
  readonly server: string;
  readonly name: string;
  readonly started_at: Date | null;
  readonly beat_at: Date | null;
  readonly silent: boolean | null;
  readonly report: string | null;
  readonly asked_by: string | null;
  readonly asked_at: Date | null;
  readonly held: number;
}

export class PostgresNode implements SpoolNodes {
  readonly drills: PostgresDrills;
  readonly #options: NodeOptions;
  readonly #schema: string;
  readonly #watch = new LeaseWatch();
  #id = 0;
  /** The last row that was lost. */
  #lostId = 0;
  /** Rows that this process made. */
  readonly #own = new Set<number>();
  #lease: Lease;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;
  /** A beat out of turn stands in line. */
  #isAsked = false;
  #suspendedBy: string | undefined;
  #others: readonly NodeReport[] = [];
  #makeReport: (() => NodeReport) | undefined;
  readonly #listeners = new Set<() => void>();

  private constructor(options: NodeOptions) {
    this.#options = options;
    this.#schema = options.connection.config.schema;
    this.drills = new PostgresDrills({ ...options, node: this });
    this.#lease = new Lease(0, readInstant());
  }

  /**
   * Takes over from the server's former self and begins to beat. Problem `spool-unavailable`, `in-use` where that is alive,
   * `spool-copy-unfinished`.
   */
  static async open(options: NodeOptions): Promise<PostgresNode> {
    const node = new PostgresNode(options);
    const { connection, server, isMoved } = options;
    for (;;) {
      // In its own place, under the folder's lock, it is dead.
      const former = await (isMoved ? outlive(connection, server) : listFormer(connection, server));
      if (former.length === 0) break;
      for (const { holder, beat } of former) await node.#retire(isMoved ? { holder, beat } : { holder });
    }
    await node.#register();
    node.#beatLater();
    return node;
  }

  /** The row; another one after a loss. */
  get id(): number {
    return this.#id;
  }

  /** True while nobody can have taken what this server holds. */
  isSure(): boolean {
    return this.#lease.isValid(readInstant());
  }

  /** A new row, where a statement found that the present one is gone. Problem `spool-unavailable`: there can be none now. */
  async renewRow(goneId: number): Promise<void> {
    if (goneId !== this.#id) return this.#work;
    const done = this.#work.then(() => this.#replace(goneId));
    // What fails is told here; the beats go on.
    this.#work = done.catch(() => undefined);
    await done.catch((error: unknown) => {
      throw isProblem(error, 'spool-unavailable') ? error : unavailableProblem(error);
    });
  }

  get suspendedBy(): string | undefined {
    return this.#suspendedBy;
  }

  get others(): readonly NodeReport[] {
    return this.#others;
  }

  reportBy(make: () => NodeReport): void {
    this.#makeReport = make;
    this.reportSoon();
  }

  reportSoon(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#work = this.#work.then(() => {
      this.#isAsked = false;
      return this.#beat();
    });
  }

  onLook(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async list(): Promise<SpoolNode[]> {
    const { connection } = this.#options;
    const rows = await connection.query<NodeRow>(
      `SELECT node.id, coalesce(node.server, wish.server) AS server, coalesce(node.name, wish.name) AS name,
        started_at, beat_at, beat_at + lease_ms * interval '1 millisecond' < clock_timestamp() AS silent,
        report, asked_by, asked_at, (SELECT count(*) FROM ${this.#schema}.message WHERE owner = node.id) AS held
        FROM ${this.#schema}.node AS node FULL JOIN ${this.#schema}.suspension AS wish ON wish.server = node.server
        ORDER BY 3, 1`,
    );
    return rows.map((row) => describeRow(row, this.#id));
  }

  async suspend({ server, name }: Pick<SpoolNode, 'server' | 'name'>, by: string): Promise<void> {
    await this.#wish(
      `INSERT INTO ${this.#schema}.suspension (server, name, asked_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
      [server, name, by],
    );
  }

  async resume({ server }: Pick<SpoolNode, 'server'>): Promise<void> {
    await this.#wish(`DELETE FROM ${this.#schema}.suspension WHERE server = $1`, [server]);
  }

  /** Gives back everything that is held. What cannot be given back now is freed when the lease has run out. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#work;
    try {
      await this.#retire({ holder: this.#id });
    } catch (error) {
      this.#options.log.warn({ error: messageOf(error) }, 'spool: what is held could not be given back');
    }
  }

  async #register(): Promise<void> {
    const { connection, server, name, isCopying } = this.#options;
    const { lease } = connection.config;
    const [next] = await connection.query<{ id: number }>(`SELECT nextval('${this.#schema}.node_id') AS id`);
    const id = next?.id ?? 0;
    // Before it is there: should nobody know what became of the statement, the row is no stranger's.
    this.#own.add(id);
    const sent = readInstant();
    const [row] = await connection.transact(async ({ query }) => {
      if (!isCopying) await refuseCopy({ query }, this.#schema);
      return query<{ asked_by: string | null }>(
        `INSERT INTO ${this.#schema}.node (id, server, name, lease_ms, report) VALUES ($1, $2, $3, $4, $5) RETURNING ${this.#wished}`,
        [id, server, name, lease, this.#report()],
      );
    });
    this.#id = id;
    this.#suspendedBy = row?.asked_by ?? undefined;
    this.#lease = new Lease(lease, sent);
  }

  #beatLater(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#work = this.#work.then(() => this.#beat()).finally(() => this.#beatLater());
    }, this.#options.connection.config.lease / BEATS_A_LEASE);
    this.#timer.unref();
  }

  async #beat(): Promise<void> {
    const { connection, log } = this.#options;
    if (this.#isClosed) return;
    try {
      const sent = readInstant();
      const id = this.#id;
      // Not by itself: behind a beat whose COMMIT hangs it would wait in the database, and the next one too.
      const [row] = await connection.transact(({ query }) =>
        query<{ asked_by: string | null }>(
          `UPDATE ${this.#schema}.node SET beat = beat + 1, beat_at = clock_timestamp(), report = $2 WHERE id = $1
            RETURNING ${this.#wished}`,
          [id, this.#report()],
        ),
      );
      if (row) {
        this.#lease.extend(sent);
        this.#suspendedBy = row.asked_by ?? undefined;
      }
      await this.#lookAround();
      if (!row) await this.#replace(id);
      for (const listener of this.#listeners) listener();
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'spool: the lease on its messages could not be renewed; trying again');
    }
  }

  async #lookAround(): Promise<void> {
    const { connection, log, onFreed } = this.#options;
    const askedMs = performance.now();
    const rows = await connection.query<{ id: number; beat: number; lease_ms: number; report: string | null }>(
      `SELECT id, beat, lease_ms, report FROM ${this.#schema}.node WHERE id <> $1`,
      [this.#id],
    );
    this.#others = rows.map(({ report }) => parseReport(report)).filter((report) => report !== undefined);
    const beats = rows.map(({ id, beat, lease_ms: leaseMs }): Beat => ({ holder: id, beat, leaseMs }));
    for (const dead of this.#watch.note(beats, { askedMs, answeredMs: performance.now() })) {
      const freed = await this.#retire(dead);
      if (freed === undefined) continue;
      log.warn({ node: dead.holder, messages: freed }, 'spool: took over from a server that shows no life');
      onFreed();
    }
  }

  /** A column of a row of `node`: who wants its server to take nothing more. */
  get #wished(): string {
    return `(SELECT asked_by FROM ${this.#schema}.suspension AS wish WHERE wish.server = node.server) AS asked_by`;
  }

  #report(): string | null {
    return this.#makeReport ? formatReport(this.#makeReport()) : null;
  }

  async #wish(text: string, values: readonly unknown[]): Promise<void> {
    const { connection } = this.#options;
    await connection.query(text, values);
    // Who does not hear it sees it with the next beat.
    await connection.query('SELECT pg_notify($1, $2)', [this.#schema, WISH]).catch(() => undefined);
    this.reportSoon();
    await this.#work;
  }

  /** Problem `in-use` while somebody else is at work under this server's identity: two that take over from each other do no work. */
  async #replace(goneId: number): Promise<void> {
    if (goneId !== this.#id || this.#isClosed) return;
    const { connection, server, log, onLost, onFreed } = this.#options;
    if (this.#lostId !== goneId) {
      this.#lostId = goneId;
      log.error({ node: goneId }, 'spool: others have taken over what this server held');
      onLost();
    }
    const others: string[] = [];
    for (const { holder, name } of await listFormer(connection, server)) {
      if (this.#own.has(holder)) await this.#retire({ holder });
      else others.push(name);
    }
    if (others[0] !== undefined) throw twinProblem(others[0]);
    await this.#register();
    onFreed();
  }

  /**
   * Removes a row of `node`, frees what hangs on it and removes the bodies that it was receiving; how many messages were freed.
   * Undefined when the row is gone already, or its holder is alive.
   */
  async #retire({ holder, beat }: { readonly holder: number; readonly beat?: number }): Promise<number | undefined> {
    const schema = this.#schema;
    return this.#options.connection.transact(async ({ query }) => {
      const gone = await query(
        `DELETE FROM ${schema}.node WHERE id = $1 AND ($2::bigint IS NULL OR beat = $2) RETURNING id`,
        [holder, beat ?? null],
      );
      if (gone.length === 0) return undefined;
      const [freed] = await query<{ count: number }>(
        `WITH freed AS (UPDATE ${schema}.message SET owner = NULL WHERE owner = $1 RETURNING id) SELECT count(*) AS count FROM freed`,
        [holder],
      );
      const intakes = await query<{ id: number }>(`DELETE FROM ${schema}.intake WHERE node = $1 RETURNING id`, [
        holder,
      ]);
      if (intakes.length > 0) {
        await query(`DELETE FROM ${schema}.chunk WHERE message = ANY($1::bigint[])`, [intakes.map(({ id }) => id)]);
      }
      return freed?.count ?? 0;
    });
  }
}

function describeRow(row: NodeRow, self: number): SpoolNode {
  const { id, server, name, started_at: startedAt, beat_at: lastBeatAt, held, asked_by: by, asked_at: at } = row;
  return {
    id: id ?? undefined,
    server,
    name,
    startedAt: startedAt ?? undefined,
    lastBeatAt: lastBeatAt ?? undefined,
    isSilent: row.silent ?? false,
    messages: held,
    isSelf: id === self,
    report: parseReport(row.report),
    suspension: by !== null && at !== null ? { by, at } : undefined,
  };
}
