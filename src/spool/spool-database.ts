// The embedded spool's tables: prepared statements, rows into messages and back. Knows no group, no claim and no policy.
// Statements that write to the main database are to be called inside the group's transaction; `waiting` is a table in
// memory (nothing to sync) that keeps what may be claimed in order, and rolls back together with the rest.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { StoredBody } from './body-intake.ts';
import { asBuffer, type BodyPlace } from './body-reader.ts';
import {
  type DeliveryState,
  decodeState,
  encodeState,
  freshState,
  POISON,
  type StoredState,
} from './delivery-state.ts';
import { isCorruption } from './disk-fault.ts';
import { checksumHead, decodeEnvelope, encodeEnvelope } from './envelope-codec.ts';
import type { HeadColumns } from './message-head.ts';
import type { ClaimOptions, DamagedMessage, Envelope, SpooledMessage } from './spool.ts';

/** What a look at a row finds. */
export type LoadedMessage =
  | { readonly kind: 'good'; readonly message: SpooledMessage }
  | { readonly kind: 'damaged'; readonly reason: string };

/** A message that is not stored yet. */
export interface UnstoredMessage {
  readonly envelope: Envelope;
  readonly traceFields: Buffer;
  readonly body: StoredBody;
}

interface HeadRow {
  received_ms: number;
  body_size: number;
  checksum: Uint8Array;
  body_checksum: Uint8Array;
  envelope: Uint8Array;
  trace: Uint8Array;
}

const SETTINGS = `
  PRAGMA temp_store = MEMORY;
  CREATE TEMP TABLE waiting (id INTEGER PRIMARY KEY, due_ms INTEGER NOT NULL, suspended INTEGER NOT NULL) STRICT;
  CREATE INDEX temp.waiting_due ON waiting (due_ms, id);
`;
// CAST and coalesce: a damaged row may hold any type; it must come up for a claim, be found out and set aside.
const NEXT_ATTEMPT = `SELECT id, coalesce(CAST(coalesce(next_attempt_ms, received_ms) AS INTEGER), 0),
  CASE coalesce(CAST(suspended AS INTEGER), 0) WHEN 0 THEN 0 WHEN ${POISON} THEN ${POISON} ELSE 1 END FROM message LEFT JOIN state USING (id)`;
const GOOD = 'id NOT IN (SELECT id FROM damaged)';

const DUE = 'SELECT id FROM waiting WHERE due_ms <= ? AND suspended <= ? ORDER BY due_ms, id LIMIT ?';
const DUE_LATEST = 'SELECT id FROM waiting WHERE due_ms <= ? AND suspended <= ? ORDER BY due_ms DESC, id DESC LIMIT ?';
const headsOf = (due: string): string => `WITH due AS MATERIALIZED (${due})
  SELECT due.id AS id, CAST(envelope AS TEXT) AS envelope, attempts, next_attempt_ms AS nextAttemptMs, suspended, recipients
  FROM due LEFT JOIN message USING (id) LEFT JOIN state USING (id)`;

const SQL = {
  insert: `INSERT INTO message (received_ms, body_size, body_file, checksum, body_checksum, envelope, trace, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  delete: 'DELETE FROM message WHERE id = ? RETURNING body_size AS sizeBytes, body_file AS fileName',
  head: 'SELECT received_ms, body_size, checksum, body_checksum, envelope, trace FROM message WHERE id = ?',
  body: `SELECT body_size AS sizeBytes, body_checksum AS checksum, body AS content, body_file AS fileName
    FROM message WHERE id = ?`,
  trace: 'SELECT trace FROM message WHERE id = ?',
  poison: `SELECT id FROM state WHERE suspended = ${POISON} AND ${GOOD} ORDER BY id`,
  size: 'SELECT body_size AS sizeBytes FROM message WHERE id = ?',
  page: `SELECT id FROM message WHERE id > ? AND ${GOOD} ORDER BY id LIMIT ?`,
  totals: `SELECT count(*) AS messages, total(body_size) AS bytes FROM message WHERE ${GOOD}`,
  files: `SELECT id, CAST(body_file AS TEXT) AS fileName, body_size AS sizeBytes FROM message NOT INDEXED
    WHERE body_file IS NOT NULL`,
  fileNames: `SELECT body_file AS fileName FROM message INDEXED BY message_body_file WHERE body_file IS NOT NULL`,
  isBodyFile: 'SELECT 1 FROM message WHERE body_file = ?',
  state: `SELECT attempts, next_attempt_ms AS nextAttemptMs, suspended, recipients, checksum FROM state WHERE id = ?`,
  saveState: 'INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?)',
  markDamaged: 'INSERT OR IGNORE INTO damaged VALUES (?, ?, ?)',
  unmarkDamaged: 'DELETE FROM damaged WHERE id = ?',
  damaged: 'SELECT id, reason, found_ms AS foundMs FROM damaged ORDER BY id',
  wait: `INSERT OR REPLACE INTO waiting ${NEXT_ATTEMPT} WHERE id = ?`,
  waitAll: `INSERT OR REPLACE INTO waiting ${NEXT_ATTEMPT} WHERE ${GOOD}`,
  waitFresh: 'INSERT INTO waiting VALUES (?, ?, 0)',
  unwait: 'DELETE FROM waiting WHERE id = ?',
  due: DUE,
  dueLatest: DUE_LATEST,
  anyWaiting: 'SELECT 1 FROM waiting LIMIT 1',
  heads: headsOf(DUE),
  headsLatest: headsOf(DUE_LATEST),
  free: 'SELECT freelist_count * page_size AS bytes FROM pragma_freelist_count, pragma_page_size',
} as const;

type Statements = { readonly [Name in keyof typeof SQL]: StatementSync };

type ListDueOptions = Omit<ClaimOptions, 'owner' | 'leaseMs'>;

const NO_COLUMNS = { envelope: null, attempts: null, nextAttemptMs: null, suspended: null, recipients: null };

export class SpoolDatabase {
  readonly #sql: Statements;
  /** Who waits and has come a moment ago, with when he is due: nearly all are claimed before they need a row. */
  readonly #fresh = new Map<number, number>();
  readonly #database: DatabaseSync;
  /** False while it is known that nobody has a row in `waiting`: then it need not be asked, twice for each message. */
  #mayHaveRows = false;

  /** Takes over a database in the spool's present format. */
  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec(SETTINGS);
    const prepared = Object.entries(SQL).map(([name, text]) => [name, database.prepare(text)]);
    this.#sql = Object.fromEntries(prepared) as Statements;
  }

  /** Stores a message; returns what it has become. It waits for a claim only after `waitFresh`. */
  insert({ envelope, traceFields, body }: UnstoredMessage): SpooledMessage {
    const octets = encodeEnvelope(envelope);
    const { sizeBytes, checksum, content, fileName } = body;
    const head = { envelope: octets, traceFields, bodySizeBytes: sizeBytes, bodyChecksum: checksum };
    const receivedMs = envelope.receivedAt.getTime();
    const { lastInsertRowid } = this.#sql.insert.run(
      receivedMs,
      sizeBytes,
      fileName ?? null,
      checksumHead(head),
      checksum,
      octets,
      traceFields,
      content ?? null,
    );
    const id = Number(lastInsertRowid);
    return { id, envelope, traceFields, bodySizeBytes: sizeBytes, ...freshState(envelope) };
  }

  /** The message without its body; undefined when there is none. */
  load(id: number): LoadedMessage | undefined {
    try {
      const row = this.#sql.head.get(id) as HeadRow | undefined;
      return row ? this.#check(id, row) : undefined;
    } catch (error) {
      if (!isCorruption(error)) throw error;
      return { kind: 'damaged', reason: 'its page of the database is damaged' };
    }
  }

  #check(id: number, row: HeadRow): LoadedMessage {
    const { envelope: octets, trace: traceFields, body_size: bodySizeBytes, body_checksum: bodyChecksum } = row;
    if (
      !isHeadRow(row) ||
      !checksumHead({ envelope: octets, traceFields, bodySizeBytes, bodyChecksum }).equals(row.checksum)
    ) {
      return { kind: 'damaged', reason: 'the checksum of its envelope is wrong' };
    }
    const envelope = decodeEnvelope(octets);
    if (row.received_ms !== envelope.receivedAt.getTime()) {
      return { kind: 'damaged', reason: 'its time of receipt is not the one in its envelope' };
    }
    const stored = this.#sql.state.get(id) as unknown as StoredState | undefined;
    const state = stored ? decodeState(id, envelope, stored) : freshState(envelope);
    if (!state) return { kind: 'damaged', reason: 'the checksum of its delivery state is wrong' };
    return { kind: 'good', message: { id, envelope, traceFields: asBuffer(traceFields), bodySizeBytes, ...state } };
  }

  /** Where the body of a message is; undefined when there is no such message. */
  findBody(id: number): BodyPlace | undefined {
    return this.#sql.body.get(id) as BodyPlace | undefined;
  }

  /** Ids of messages that are poison, by reading every state: for the start only. */
  listPoisonIds(): number[] {
    return (this.#sql.poison.all() as { id: number }[]).map(({ id }) => id);
  }

  /** The trace fields, unchecked; undefined when there is no such message. */
  traceOf(id: number): unknown {
    return this.#sql.trace.get(id)?.['trace'];
  }

  saveState(id: number, state: DeliveryState): void {
    const { attempts, nextAttemptMs, suspended, recipients, checksum } = encodeState(id, state);
    this.#sql.saveState.run(id, attempts, nextAttemptMs, suspended, recipients, checksum);
  }

  /** Deletes a message; returns what it occupied. */
  remove(id: number): { sizeBytes: number; fileName: string | null } | undefined {
    this.#dropRow(id);
    return this.#sql.delete.get(id) as { sizeBytes: number; fileName: string | null } | undefined;
  }

  /** Ids after `afterId`, damaged ones left out. */
  listIds(afterId: number, limit: number): number[] {
    return (this.#sql.page.all(afterId, limit) as { id: number }[]).map(({ id }) => id);
  }

  /** Octets of the body of a message; 0 where even that cannot be read, undefined when there is no such message. */
  sizeOf(id: number): number | undefined {
    try {
      return (this.#sql.size.get(id) as { sizeBytes: number } | undefined)?.sizeBytes;
    } catch (error) {
      if (!isCorruption(error)) throw error;
      return 0;
    }
  }

  /** Counts by reading everything: for the start only. */
  countTotals(): { messages: number; bytes: number } {
    return this.#sql.totals.get() as { messages: number; bytes: number };
  }

  /** Names of all body files, as the index knows them: a second witness before one without a row is removed. */
  listIndexedFileNames(): string[] {
    return (this.#sql.fileNames.all() as { fileName: string }[]).map(({ fileName }) => fileName);
  }

  /** Whether a message's body is the file of this name. */
  isBodyFile(fileName: string): boolean {
    return this.#sql.isBodyFile.get(fileName) !== undefined;
  }

  /** Every message whose body is a file. */
  listBodyFiles(): { id: number; fileName: string; sizeBytes: number }[] {
    return this.#sql.files.all() as { id: number; fileName: string; sizeBytes: number }[];
  }

  markDamaged(id: number, reason: string, foundAt: Date): void {
    this.#sql.markDamaged.run(id, reason, foundAt.getTime());
  }

  /** Deletes a message that is marked damaged; returns the name of its body file, if it has one. */
  discardDamaged(id: number): string | undefined {
    this.#sql.unmarkDamaged.run(id);
    return this.remove(id)?.fileName ?? undefined;
  }

  listDamaged(): DamagedMessage[] {
    return (this.#sql.damaged.all() as { id: number; reason: string; foundMs: number }[]).map((row) =>
      this.describeDamaged({ id: row.id, reason: row.reason, foundAt: new Date(row.foundMs) }),
    );
  }

  /** Adds the envelope where that can be trusted. */
  describeDamaged(message: DamagedMessage): DamagedMessage {
    const loaded = this.load(message.id);
    if (loaded?.kind !== 'good') return message;
    const { envelope, recipients } = loaded.message;
    return { ...message, envelope, recipients };
  }

  /** Lets a message wait that was just stored. */
  waitFresh({ id, envelope }: SpooledMessage): void {
    this.#fresh.set(id, envelope.receivedAt.getTime());
  }

  /** Gives all that wait their rows: to be called before a transaction that changes one of them, and may be rolled back. */
  layDownFresh(): void {
    if (this.#fresh.size === 0) return;
    this.#mayHaveRows = true;
    for (const [id, dueMs] of this.#fresh) this.#sql.waitFresh.run(id, dueMs);
    this.#fresh.clear();
  }

  /** Lets a message wait for a claim, unless it is gone. */
  wait(id: number): void {
    this.#dropRow(id);
    this.#mayHaveRows = true;
    this.#sql.wait.run(id);
  }

  /** Lets everything wait that may be claimed: for the start. */
  waitAll(): void {
    this.#mayHaveRows = true;
    this.#sql.waitAll.run();
  }

  unwait(id: number): void {
    if (!this.#fresh.delete(id)) this.#dropRow(id);
  }

  #dropRow(id: number): void {
    if (this.#mayHaveRows) this.#sql.unwait.run(id);
  }

  #hasRows(): boolean {
    // Not inside a transaction: those that it has deleted come back when it is rolled back.
    if (this.#mayHaveRows && !this.#database.isTransaction)
      this.#mayHaveRows = this.#sql.anyWaiting.get() !== undefined;
    return this.#mayHaveRows;
  }

  /** Ids that wait and are due, in the order that is asked for. */
  listDue(options: ListDueOptions): number[] {
    const { dueBefore, limit, latestFirst = false, withSuspended = false } = options;
    const fresh = this.#listFresh(options);
    if (fresh) return fresh;
    this.layDownFresh();
    const due = latestFirst ? this.#sql.dueLatest : this.#sql.due;
    const dueMs = dueBefore?.getTime() ?? Number.MAX_SAFE_INTEGER;
    return (due.all(dueMs, withSuspended ? 1 : 0, limit) as { id: number }[]).map(({ id }) => id);
  }

  /** The same ids, where all that wait have just come. */
  #listFresh({ dueBefore, limit, latestFirst = false }: ListDueOptions): number[] | undefined {
    const { size } = this.#fresh;
    const isSimple = dueBefore === undefined && !latestFirst && size > 0 && size <= limit;
    if (!isSimple || this.#hasRows()) return undefined;
    return [...this.#fresh].toSorted(([a, aMs], [b, bMs]) => aMs - bMs || a - b).map(([id]) => id);
  }

  /** Those that `listDue` gives, with what sorts them into queues, unchecked. */
  listHeads(options: ListDueOptions): HeadColumns[] {
    const { dueBefore, limit, latestFirst = false, withSuspended = false } = options;
    this.layDownFresh();
    const heads = latestFirst ? this.#sql.headsLatest : this.#sql.heads;
    const dueMs = dueBefore?.getTime() ?? Number.MAX_SAFE_INTEGER;
    try {
      return heads.all(dueMs, withSuspended ? 1 : 0, limit) as unknown as HeadColumns[];
    } catch (error) {
      // One damaged page would keep all of them: one by one it is seen whose it is.
      if (!isCorruption(error)) throw error;
      return this.listDue(options).map((id) => ({ ...NO_COLUMNS, id }));
    }
  }

  /** Octets inside the file that can be written again: deleted mail frees these, not the disk. */
  countFreeBytes(): number {
    return Number(this.#sql.free.get()?.['bytes'] ?? 0);
  }
}

/** False for a row in which a flipped bit made another type of a value. */
function isHeadRow(row: HeadRow): boolean {
  const octets = [row.checksum, row.body_checksum, row.envelope, row.trace];
  return Number.isSafeInteger(row.body_size) && octets.every((value) => value instanceof Uint8Array);
}
