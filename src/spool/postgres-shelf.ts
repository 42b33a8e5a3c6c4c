// Messages as they stand in the database: read, checked, counted, listed, and set aside where they are damaged. Knows neither
// groups nor claims of anybody inside this server.

import { Readable } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { asBuffer, type BodyPlace } from './body-reader.ts';
import { POISON } from './delivery-state.ts';
import { decodeHead } from './message-head.ts';
import type { PostgresBodies } from './postgres-bodies.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { columnsOf, decodeMessage, describeDamaged, type MessageRow } from './postgres-rows.ts';
import { deleteStatement } from './postgres-store.ts';
import type {
  ClaimOptions,
  DamagedMessage,
  ListOptions,
  MessageHead,
  SalvagedMessage,
  SpoolCount,
  SpoolFinding,
  SpooledMessage,
} from './spool.ts';
import { orphanFinding } from './spool-findings.ts';

export interface ShelfOptions {
  readonly connection: PostgresConnection;
  readonly clock: Clock;
  readonly log: Log;
  /** This server's row in `node`. */
  readonly node: () => number;
  /** Hears of a message that was set aside. */
  readonly onSetAside: (id: number, reason: string) => void;
  /** Nothing is changed: what is damaged is only told. */
  readonly isLookingOnly: boolean;
}

interface HeadRow {
  readonly id: number;
  readonly due_ms: number;
  readonly envelope: Buffer;
  readonly attempts: number | null;
  readonly next_attempt_ms: number | null;
  readonly suspended: number;
  readonly recipients: string | null;
}

const HEAD_COLUMNS = 'm.id, m.due_ms, m.envelope, m.attempts, m.next_attempt_ms, m.suspended, m.recipients';

export class PostgresShelf {
  readonly #options: ShelfOptions;
  readonly #table: string;
  readonly #schema: string;
  /** What a look alone has found. */
  readonly #found = new Map<number, DamagedMessage>();

  constructor(options: ShelfOptions) {
    this.#options = options;
    this.#schema = options.connection.config.schema;
    this.#table = `${this.#schema}.message`;
  }

  /** The good ones among these messages, in the order of their ids. */
  async loadAll(ids: readonly number[]): Promise<SpooledMessage[]> {
    return this.#select('id = ANY($1::bigint[]) AND damage IS NULL ORDER BY id', [ids]);
  }

  async listAfter({
    afterId = 0,
    limit,
    notElsewhere = false,
  }: ListOptions): Promise<{ good: SpooledMessage[]; lastId: number; rows: number }> {
    const isOurs = '(NOT $3::boolean OR owner IS NULL OR owner = $4)';
    const rows = await this.#rows(`id > $1 AND damage IS NULL AND ${isOurs} ORDER BY id LIMIT $2`, [
      afterId,
      limit,
      notElsewhere,
      this.#options.node(),
    ]);
    return { good: await this.#check(rows), lastId: rows.at(-1)?.id ?? afterId, rows: rows.length };
  }

  async listPoison(): Promise<SpooledMessage[]> {
    return this.#select(`suspended = ${POISON} AND damage IS NULL ORDER BY id`, []);
  }

  async listDamaged(): Promise<DamagedMessage[]> {
    const rows = await this.#rows('damage IS NOT NULL ORDER BY id', []);
    return [...rows.map(describeDamaged), ...this.#found.values()];
  }

  /** Messages for this server, in the order that is asked for, and how many were damaged. */
  async claim(options: ClaimOptions): Promise<{ good: SpooledMessage[]; claimed: number }> {
    const rows = await this.#claimRows<MessageRow>(options, columnsOf('m'));
    return { good: await this.#check(rows), claimed: rows.length };
  }

  async claimHeads(options: ClaimOptions): Promise<MessageHead[]> {
    const heads: MessageHead[] = [];
    for (const row of await this.#claimRows<HeadRow>(options, HEAD_COLUMNS)) {
      const { id, attempts, suspended, recipients, next_attempt_ms: nextAttemptMs } = row;
      const envelope = row.envelope.toString();
      // What makes no sense is read whole, and set aside for its true reason.
      const head = decodeHead({ id, envelope, attempts, nextAttemptMs, suspended, recipients });
      if (head) heads.push(head);
      else heads.push(...(await this.loadAll([id])));
    }
    return heads;
  }

  async count(): Promise<SpoolCount> {
    const [row] = await this.#options.connection.query<{
      messages: number;
      bytes: number;
      elsewhere: number;
      damaged: number;
      poison: number;
    }>(
      `SELECT count(*) FILTER (WHERE damage IS NULL) AS messages,
        coalesce(sum(body_size) FILTER (WHERE damage IS NULL), 0)::bigint AS bytes,
        count(*) FILTER (WHERE damage IS NULL AND owner <> $1) AS elsewhere,
        count(*) FILTER (WHERE damage IS NOT NULL) AS damaged,
        count(*) FILTER (WHERE damage IS NULL AND suspended = ${POISON}) AS poison FROM ${this.#table}`,
      [this.#options.node()],
    );
    const { messages = 0, bytes = 0, elsewhere = 0, damaged = 0, poison = 0 } = row ?? {};
    return { messages, bytes, damaged: damaged + this.#found.size, poison, ...(elsewhere > 0 && { elsewhere }) };
  }

  /** Where the body of a good message is; with `isAny` that of a damaged one too. */
  async findBody(id: number, isAny = false): Promise<(BodyPlace & { readonly traceFields: Buffer }) | undefined> {
    const [row] = await this.#options.connection.query<{
      body: Buffer | null;
      body_size: number;
      body_checksum: Buffer;
      trace: Buffer;
    }>(`SELECT body, body_size, body_checksum, trace FROM ${this.#table} WHERE id = $1 AND ($2 OR damage IS NULL)`, [
      id,
      isAny,
    ]);
    if (!row) return undefined;
    return {
      sizeBytes: row.body_size,
      checksum: row.body_checksum,
      content: row.body,
      fileName: row.body === null ? String(id) : null,
      traceFields: asBuffer(row.trace),
    };
  }

  /** Takes a damaged message out of use, for good. */
  async setAside(id: number, reason: string): Promise<void> {
    const { connection, clock, log, onSetAside, isLookingOnly } = this.#options;
    if (isLookingOnly) {
      this.#found.set(id, { id, reason, foundAt: clock.now() });
      return;
    }
    await connection.query(
      `UPDATE ${this.#table} SET damage = $2, damaged_ms = $3, owner = NULL WHERE id = $1 AND damage IS NULL`,
      [id, reason, clock.now().getTime()],
    );
    log.error({ id, reason }, 'spool: message is damaged and was set aside');
    onSetAside(id, reason);
  }

  /** Deletes a message that was set aside; false when there is none. */
  async discardDamaged(id: number): Promise<boolean> {
    const { text, values } = deleteStatement(this.#schema, [id], 'damaged');
    const gone = await this.#options.connection.query(text, values);
    return gone.length > 0;
  }

  /** What can be read of a message that was set aside, unchecked. */
  async salvage(id: number, bodies: Pick<PostgresBodies, 'read'>): Promise<SalvagedMessage | undefined> {
    const place = await this.findBody(id, true);
    if (!place) return undefined;
    const { traceFields, content, fileName } = place;
    const body = fileName === null ? [asBuffer(content ?? new Uint8Array())] : bodies.read(fileName);
    return { traceFields, body: Readable.from(body, { objectMode: false }) };
  }

  /** Bodies in pieces that belong to no message, stored or arriving. */
  async listOrphans(): Promise<SpoolFinding[]> {
    const rows = await this.#options.connection.query<{ message: number }>(
      `SELECT DISTINCT message ${this.#orphans} ORDER BY message`,
    );
    return rows.map(({ message }) => orphanFinding(`${this.#schema}.chunk ${message}`));
  }

  async removeOrphans(): Promise<void> {
    await this.#options.connection.query(`DELETE ${this.#orphans}`);
  }

  get #orphans(): string {
    return `FROM ${this.#schema}.chunk c
      WHERE NOT EXISTS (SELECT FROM ${this.#table} m WHERE m.id = c.message)
        AND NOT EXISTS (SELECT FROM ${this.#schema}.intake i WHERE i.id = c.message)`;
  }

  async #select(condition: string, values: readonly unknown[]): Promise<SpooledMessage[]> {
    return this.#check(await this.#rows(condition, values));
  }

  #rows(condition: string, values: readonly unknown[]): Promise<MessageRow[]> {
    return this.#options.connection.query<MessageRow>(
      `SELECT ${columnsOf('m')} FROM ${this.#table} m WHERE ${condition}`,
      values,
    );
  }

  async #check(rows: readonly MessageRow[]): Promise<SpooledMessage[]> {
    const good: SpooledMessage[] = [];
    for (const row of rows) {
      const loaded = decodeMessage(row);
      if (loaded.kind === 'good') good.push(loaded.message);
      else await this.setAside(row.id, loaded.reason);
    }
    return good;
  }

  /** Rows that others are just claiming are passed over, not waited for. */
  async #claimRows<Row extends { readonly id: number; readonly due_ms: number }>(
    { limit, dueBefore, latestFirst = false, withSuspended = false }: ClaimOptions,
    columns: string,
  ): Promise<Row[]> {
    const direction = latestFirst ? 'DESC' : 'ASC';
    const rows = await this.#options.connection.query<Row>(
      `WITH mine AS (SELECT id FROM ${this.#schema}.node WHERE id = $1 FOR KEY SHARE),
        due AS (SELECT id FROM ${this.#table} WHERE owner IS NULL AND damage IS NULL AND suspended <= $2 AND due_ms <= $3
          AND EXISTS (SELECT FROM mine) ORDER BY due_ms ${direction}, id ${direction} LIMIT $4 FOR UPDATE SKIP LOCKED)
      UPDATE ${this.#table} m SET owner = $1 FROM due WHERE m.id = due.id RETURNING ${columns}`,
      [this.#options.node(), withSuspended ? 1 : 0, dueBefore?.getTime() ?? Number.MAX_SAFE_INTEGER, limit],
    );
    const sign = latestFirst ? -1 : 1;
    return rows.toSorted((a, b) => sign * (a.due_ms - b.due_ms || a.id - b.id));
  }
}
