// The statements that put messages into the database and take them out, a group at a time. Each is a whole by itself: run alone it
// is a transaction, and run again after an outcome that nobody knows it finds what it did and does it no second time.

import { encodeMessage, INSERTED, type NumberedMessage, placeholders } from './postgres-rows.ts';

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Stores messages as held by the server `node`, and names those that were. A message whose id is there already is left alone; so
 * is everything where the server's own row is gone, and a body in pieces whose pieces were removed.
 */
export function insertStatement(schema: string, messages: readonly NumberedMessage[], node: number): Statement {
  const inPieces = messages.filter(({ body }) => body.fileName !== undefined).map(({ id }) => id);
  const columns = INSERTED.map(([name]) => name).join(', ');
  const text = `WITH mine AS (SELECT id FROM ${schema}.node WHERE id = $1 FOR KEY SHARE),
    arrived AS (DELETE FROM ${schema}.intake WHERE id = ANY($2::bigint[]) AND EXISTS (SELECT FROM mine) RETURNING id),
    stored AS (INSERT INTO ${schema}.message (${columns}, owner)
      SELECT v.*, mine.id FROM mine, (VALUES ${placeholders(INSERTED, messages.length, 3)}) v (${columns})
      WHERE v.id <> ALL ($2::bigint[]) OR v.id IN (SELECT id FROM arrived)
      ON CONFLICT (id) DO NOTHING RETURNING id)
    SELECT id FROM stored`;
  return { text, values: [node, inPieces, ...messages.flatMap(encodeMessage)] };
}

/** Takes the ids of messages that are not to come any more, for the moment until they are deleted in the same transaction. */
export function placeStatement(schema: string, ids: readonly number[], node: number): Statement {
  const text = `WITH mine AS (SELECT id FROM ${schema}.node WHERE id = $1 FOR KEY SHARE),
    arrived AS (DELETE FROM ${schema}.intake WHERE id = ANY($2::bigint[]) AND EXISTS (SELECT FROM mine))
    INSERT INTO ${schema}.message (id, received_ms, due_ms, body_size, checksum, body_checksum, envelope, trace, owner)
      SELECT v.id, 0, 0, 0, '', '', '', '', mine.id FROM mine, unnest($2::bigint[]) v (id) ON CONFLICT (id) DO NOTHING`;
  return { text, values: [node, ids] };
}

/**
 * Writes something that means nothing, so that the COMMIT of its transaction waits until everything before it is where the database
 * promises to keep it: a transaction that only reads waits for nothing.
 */
export function barrierStatement(): Statement {
  return { text: `SELECT pg_logical_emit_message(true, 'relaypair', '')`, values: [] };
}

/** Which of these messages are there, whoever holds them. */
export function presentStatement(schema: string, ids: readonly number[]): Statement {
  return { text: `SELECT id FROM ${schema}.message WHERE id = ANY($1::bigint[])`, values: [ids] };
}

/**
 * Deletes messages with their bodies, and names them; with a server's row those alone that it holds as they came, with
 * 'damaged' those that were set aside.
 */
export function deleteStatement(schema: string, ids: readonly number[], only?: number | 'damaged'): Statement {
  const ofDamaged = only === 'damaged' ? 'AND damage IS NOT NULL' : '';
  const guard = typeof only === 'number' ? 'AND owner = $2 AND revision = 0 AND damage IS NULL' : ofDamaged;
  const text = `WITH gone AS (DELETE FROM ${schema}.message WHERE id = ANY($1::bigint[]) ${guard}
      RETURNING id, body IS NULL AS "inPieces"),
    pieces AS (DELETE FROM ${schema}.chunk WHERE message = ANY (ARRAY(SELECT id FROM gone WHERE "inPieces")))
    SELECT id FROM gone`;
  return { text, values: typeof only === 'number' ? [ids, only] : [ids] };
}
