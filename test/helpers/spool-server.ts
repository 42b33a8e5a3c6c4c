// The PostgreSQL behind the spools of a test file.

import { afterAll, beforeAll } from 'vitest';
import { PgBouncer } from './pgbouncer.ts';
import { hasPostgres, type PostgresOptions, type RunningPostgres, startPostgres } from './postgres.ts';
import { URL_VARIABLE } from './spool-backends.ts';

/** RELAYPAIR_TEST_POOLER=transaction (or session) puts PgBouncer between the spools of any of these tests and their database. */
const POOLER = process.env['RELAYPAIR_TEST_POOLER'];

/** Starts a PostgreSQL for the tests of this file, where there is one. */
export function useSpoolServer(options: PostgresOptions = { fsync: false }): { readonly server: RunningPostgres } {
  let server: RunningPostgres | undefined;
  let pooler: PgBouncer | undefined;
  beforeAll(async () => {
    if (!hasPostgres()) return;
    server = await startPostgres({ ...options, settings: { full_page_writes: 'off', ...options.settings } });
    if (POOLER === 'session' || POOLER === 'transaction') pooler = await PgBouncer.start(server, POOLER, 150);
    process.env[URL_VARIABLE] = (pooler ?? server).url().replace(`:${server.password}@`, '@');
    process.env['PGPASSWORD'] = server.password;
  });
  afterAll(async () => {
    await pooler?.stop();
    await server?.stop();
  });
  return {
    get server() {
      if (!server) throw new Error('there is no PostgreSQL here');
      return server;
    },
  };
}
