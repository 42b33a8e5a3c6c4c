// What the shared spools had not recorded as done when somebody was killed, read from the tables themselves.

import { type MessageRow, columnsOf, decodeMessage } from '../../src/spool/postgres-rows.ts';
import type { RunningPostgres } from '../helpers/postgres.ts';
import type { Role } from '../helpers/servers.ts';
import { findIds, reportKey } from './letter.ts';

/** Keys of what is still to be sent on, once for each copy; with `node` of what that one holds alone. */
export async function readPending(server: RunningPostgres, role: Role, node?: string): Promise<string[]> {
  const schema = `relaypair_${role}`;
  const { rows } = await server.query(
    `SELECT ${columnsOf('m')} FROM ${schema}.message m LEFT JOIN ${schema}.node n ON n.id = m.owner
      WHERE m.damage IS NULL AND ($1::text IS NULL OR n.name = $1)`,
    [node?.toUpperCase() ?? null],
  );
  const pending: string[] = [];
  const reports: number[] = [];
  for (const row of rows as MessageRow[]) {
    const loaded = decodeMessage(withNumbers(row));
    if (loaded.kind === 'damaged') throw new Error(`message ${row.id} of ${schema} is damaged: ${loaded.reason}`);
    const { envelope, recipients } = loaded.message;
    if (envelope.reversePath === '') reports.push(loaded.message.id);
    else pending.push(...recipients.filter(({ status }) => status === 'pending').map(({ address }) => address));
  }
  if (reports.length === 0) return pending;
  const bodies = await server.query(`SELECT body FROM ${schema}.message WHERE id = ANY($1::bigint[])`, [reports]);
  for (const { body } of bodies.rows as { body: Buffer | null }[]) {
    if (body) pending.push(...findIds(body).map((id) => reportKey(id)));
  }
  return pending;
}

/** How many messages the spools hold, those that were set aside included. */
export async function countLeft(server: RunningPostgres): Promise<number> {
  const { rows } = await server.query(
    'SELECT (SELECT count(*) FROM relaypair_hub.message) + (SELECT count(*) FROM relaypair_edge.message) AS left',
  );
  return Number((rows[0] as { left: string }).left);
}

/** This connection gives 64-bit numbers as texts. */
function withNumbers(row: MessageRow): MessageRow {
  const numbers = (['id', 'received_ms', 'due_ms', 'body_size', 'next_attempt_ms'] as const).map((name) => {
    const value: unknown = row[name];
    return [name, value === null ? null : Number(value)];
  });
  return { ...row, ...Object.fromEntries(numbers) };
}
