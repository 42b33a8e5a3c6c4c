// What may stand between a server and its database: a pooler such as PgBouncer, which shows itself by naming another process than the
// one that answers. In session mode it changes nothing. In transaction mode a connection leads to another session each time: it hears
// no notification, and what was asked of it once does not hold for the next use. In statement mode there are no transactions.

import { Client } from 'pg';
import type { PostgresSpoolConfig } from '../config-spool.ts';
import { type Endpoint, formatEndpoint } from '../config-values.ts';
import { messageOf, Problem } from '../problem.ts';
import { unavailableProblem } from './postgres-fault.ts';
import { clientConfig } from './postgres-hosts.ts';

/** How long a session stays with whoever uses it. */
export type PoolMode = 'session' | 'transaction';

/** A pooler may give the same session again by chance, or another one where it was asked by others meanwhile. */
const ATTEMPTS = 5;
/** Protocol violation: how PgBouncer refuses a transaction in statement mode. */
const REFUSES_TRANSACTIONS = '08P01';

interface Asked {
  query(text: string): Promise<{ readonly rows: readonly { readonly pid: number }[] }>;
}

/**
 * The mode of the pooler at `host`: while one connection is in a transaction, another shows whether it has kept the session it had.
 * Problem `spool-refused` in statement mode, `spool-unavailable`.
 */
export async function findPoolMode(config: PostgresSpoolConfig, host: Endpoint): Promise<PoolMode> {
  const clients = [new Client(clientConfig(config, host)), new Client(clientConfig(config, host))] as const;
  const [first, second] = clients;
  try {
    for (const client of clients) {
      client.on('error', () => {});
      await client.connect();
    }
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) if (await hasMoved(first, second)) return 'transaction';
    return 'session';
  } catch (error) {
    const place = formatEndpoint(host);
    if ((error as { code?: unknown }).code === REFUSES_TRANSACTIONS) {
      const text = `the pooler at ${place} allows no transactions (${messageOf(error)})`;
      throw new Problem('spool-refused', `${text}: set its pool_mode to session or transaction`, { cause: error });
    }
    throw unavailableProblem(new Error(`the pooler at ${place} gave no two connections: ${messageOf(error)}`));
  } finally {
    for (const client of clients) client.end().catch(() => {});
  }
}

/** True when `asked` has lost its session to a transaction of `other`, or was moved out of its way. */
async function hasMoved(asked: Asked, other: Asked): Promise<boolean> {
  const before = await sessionOf(asked);
  await other.query('BEGIN');
  try {
    // Not asked again where it would have to wait for the one session there is.
    return (await sessionOf(other)) === before || (await sessionOf(asked)) !== before;
  } finally {
    await other.query('ROLLBACK');
  }
}

async function sessionOf(asked: Asked): Promise<number | undefined> {
  const { rows } = await asked.query('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid;
}
