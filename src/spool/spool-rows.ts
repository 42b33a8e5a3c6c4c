// The rows of a damaged database, one by one: what lies on a damaged page costs its own message and no other.

import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** What became of the rows. */
export interface RebuiltSpool {
  readonly copied: number;
  /** Ids of messages whose row could not be read: they are in the old file alone. */
  readonly lostIds: readonly number[];
}

/** Where nothing says how far the ids go. */
const FAR = 2 ** 31;
/** After so many ids in a row that cannot be read, the steps grow. */
const PATIENCE = 1000;
const HEAD = 'id, received_ms, body_size, body_file, checksum, body_checksum, envelope, trace';
const UNREADABLE_BODY = 'the page of the database that its body was on cannot be read';
const UNREADABLE_STATE = 'its delivery state cannot be read';

/** Copies what can be read; a message that is not whole any more is marked damaged. */
export function copyRows(source: DatabaseSync, target: DatabaseSync, now: Date): RebuiltSpool {
  const copy = prepareCopy(source, target, now);
  const lostIds: number[] = [];
  let copied = 0;
  const lastId = attempt(() =>
    Number(source.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'message'").get()?.['seq']),
  );
  let highest = 0;
  for (const id of findIds(source, lastId ?? FAR)) {
    highest = id;
    if (copy(id)) copied += 1;
    else lostIds.push(id);
  }
  keepSequence(target, Math.max(lastId ?? 0, highest));
  return { copied, lostIds };
}

/** The ids that the table still tells of, in order. */
function* findIds(source: DatabaseSync, lastId: number): Generator<number> {
  const next = attempt(() => source.prepare('SELECT id FROM message WHERE id >= ? ORDER BY id LIMIT 1'));
  if (!next) return;
  let failures = 0;
  for (let at = 1; at <= lastId; ) {
    const row = attempt(() => ({ id: next.get(at)?.['id'] }));
    if (row && typeof row.id !== 'number') return;
    if (row) {
      failures = 0;
      yield Number(row.id);
      at = Number(row.id) + 1;
    } else {
      failures += 1;
      at += Math.max(1, Math.floor(failures / PATIENCE));
    }
  }
}

type Row = Record<string, null | number | string | Uint8Array>;

/** A function that copies one message; false when there is nothing left of it. */
function prepareCopy(source: DatabaseSync, target: DatabaseSync, now: Date): (id: number) => boolean {
  const select = (columns: string, table: string): StatementSync | undefined =>
    attempt(() => source.prepare(`SELECT ${columns} FROM ${table} WHERE id = ?`));
  const from = {
    head: select(HEAD, 'message'),
    body: select('body', 'message'),
    state: select('*', 'state'),
    damaged: select('*', 'damaged'),
  };
  const read = (statement: StatementSync | undefined, id: number): { row: Row | undefined } | undefined =>
    statement && attempt(() => ({ row: statement.get(id) as Row | undefined }));
  const insert = (table: string, places: number): StatementSync =>
    target.prepare(`INSERT INTO ${table} VALUES (${Array.from({ length: places }, () => '?').join(', ')})`);
  const into = { message: insert('message', 9), state: insert('state', 6), damaged: insert('damaged', 3) };
  const mark = (id: number, reason: string): void => {
    attempt(() => into.damaged.run(id, reason, now.getTime()));
  };
  return (id) => {
    const head = read(from.head, id)?.row;
    if (!head) return false;
    const body = read(from.body, id);
    // A value that is no longer of its column's type cannot be stored: the table is strict.
    if (!attempt(() => into.message.run(...Object.values(head), body?.row?.['body'] ?? null))) return false;
    const known = read(from.damaged, id)?.row;
    if (known) attempt(() => into.damaged.run(...Object.values(known)));
    else if (!body) mark(id, UNREADABLE_BODY);
    const state = read(from.state, id);
    const isKept = state !== undefined && (state.row === undefined || storeState(into.state, state.row));
    // Without it nobody knows who has had the message already.
    if (!isKept && !known && body) mark(id, UNREADABLE_STATE);
    return true;
  };
}

function storeState(into: StatementSync, row: Row): boolean {
  return attempt(() => into.run(...Object.values(row))) !== undefined;
}

/** An id is never used twice, those of lost messages included. */
function keepSequence(target: DatabaseSync, lastId: number): void {
  if (lastId === 0) return;
  target.exec("DELETE FROM sqlite_sequence WHERE name = 'message'");
  target.prepare("INSERT INTO sqlite_sequence VALUES ('message', ?)").run(lastId);
}

/** Undefined where a damaged file, or what stood in it, makes it impossible. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
