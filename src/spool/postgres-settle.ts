// Settlements over the database, a group in one transaction: the rows are locked and read, what becomes of each is decided by the
// rules that the embedded spool has too, and all of it is written and committed together. A claim that was lost is a fence: who
// settles under it finds the message gone.

import { isLate, isPending, settleState } from './delivery-state.ts';
import type { PostgresConnection, Transaction } from './postgres-connection.ts';
import {
  columnsOf,
  decodeMessage,
  encodeSettled,
  freshMessage,
  type MessageRow,
  type NumberedMessage,
  placeholders,
  SETTLED,
} from './postgres-rows.ts';
import { deleteStatement, insertStatement } from './postgres-store.ts';
import { Failure } from './batch-lane.ts';
import type { Settled } from './settle-step.ts';
import type { Settlement, SpooledMessage } from './spool.ts';

export interface SettleJob {
  readonly id: number;
  readonly settlement: Settlement;
  readonly newMessages: readonly NumberedMessage[];
  /** The row of `node` that must hold the message; undefined where an administrator settles what nobody here holds. */
  readonly fence: number | undefined;
}

/** What became of it; `isFree` when nobody holds the message. */
export type PostgresSettled = Settled & { readonly isFree?: boolean };

/** The server's own row is gone: everything has to be decided again under another one. */
export class NodeGone extends Error {}

interface Outcome {
  readonly results: (PostgresSettled | Failure)[];
  readonly removed: number[];
  readonly changed: Map<number, SpooledMessage>;
  readonly added: NumberedMessage[];
}

/** Settles a group; throws NodeGone where new messages cannot be stored under `node`, and the Problems of `transact`. */
export function settleGroup(
  connection: PostgresConnection,
  jobs: readonly SettleJob[],
  node: number,
): Promise<readonly (PostgresSettled | Failure)[]> {
  const { schema } = connection.config;
  return connection.transact(async (transaction) => {
    const ids = [...new Set(jobs.map(({ id }) => id))];
    const rows = await transaction.query<MessageRow>(
      `SELECT ${columnsOf('m')} FROM ${schema}.message m
        WHERE id = ANY($1::bigint[]) AND damage IS NULL ORDER BY id FOR UPDATE`,
      [ids],
    );
    const outcome = decideAll(jobs, new Map(rows.map((row) => [row.id, row])));
    await write(transaction, schema, outcome, node);
    return outcome.results;
  });
}

function decideAll(jobs: readonly SettleJob[], rows: Map<number, MessageRow>): Outcome {
  const outcome: Outcome = { results: [], removed: [], changed: new Map(), added: [] };
  for (const job of jobs) {
    try {
      outcome.results.push(decide(job, rows, outcome));
    } catch (error) {
      outcome.results.push(new Failure(error));
    }
  }
  return outcome;
}

function decide(job: SettleJob, rows: Map<number, MessageRow>, outcome: Outcome): PostgresSettled {
  const { id, settlement, newMessages, fence } = job;
  const row = rows.get(id);
  if (!row || (fence !== undefined && row.owner !== fence)) return { kind: 'gone' };
  const loaded = outcome.changed.get(id);
  const found = loaded ? ({ kind: 'good', message: loaded } as const) : decodeMessage(row);
  if (found.kind === 'damaged') return found;
  const isFree = row.owner === null;
  const state = settleState(found.message, settlement);
  if (isLate(found.message, settlement, state)) return { kind: 'late', message: found.message };
  outcome.added.push(...newMessages);
  const added = newMessages.map(freshMessage);
  if (!isPending(state)) {
    rows.delete(id);
    outcome.changed.delete(id);
    outcome.removed.push(id);
    return { kind: 'removed', sizeBytes: row.body_size, fileName: null, added };
  }
  const message = { ...found.message, ...state };
  outcome.changed.set(id, message);
  return { kind: 'kept', message, added, isFree };
}

async function write(
  { query }: Transaction,
  schema: string,
  { removed, changed, added }: Outcome,
  node: number,
): Promise<void> {
  if (added.length > 0) {
    const { text, values } = insertStatement(schema, added, node);
    const stored = await query(text, values);
    if (stored.length < added.length) throw new NodeGone();
  }
  if (changed.size > 0) {
    const names = SETTLED.map(([name]) => name);
    const values = [...changed].flatMap(([id, message]) => encodeSettled(id, message));
    await query(
      `UPDATE ${schema}.message m SET revision = revision + 1,
          ${names
            .slice(1)
            .map((name) => `${name} = v.${name}`)
            .join(', ')}
        FROM (VALUES ${placeholders(SETTLED, changed.size, 1)}) v (${names.join(', ')}) WHERE m.id = v.id`,
      values,
    );
  }
  if (removed.length > 0) {
    const { text, values } = deleteStatement(schema, removed);
    await query(text, values);
  }
}
