// The PostgreSQL behind the spools of a test file.

import { afterAll, beforeAll } from 'vitest';
import { PgBouncer } from './pgbouncer.ts';
import { hasPostgres, type PostgresOptions, type RunningPostgres, startPostgres } from './postgres.ts';
import { POOLER_VARIABLE, URL_VARIABLE } from './spool-backends.ts';

/** Starts a PostgreSQL for the tests of this file, where there is one. */
export function useSpoolServer(options: PostgresOptions = { fsync: false }): { readonly server: RunningPostgres } {
  let server: RunningPostgres | undefined;
  let pooler: PgBouncer | undefined;
  beforeAll(async () => {
    if (!hasPostgres()) return;
    server = await startPostgres({ ...options, settings: { full_page_writes: 'off', ...options.settings } });
    const mode = process.env[POOLER_VARIABLE];
    if (mode === 'session' || mode === 'transaction') pooler = await PgBouncer.start(server, mode, 150);
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
