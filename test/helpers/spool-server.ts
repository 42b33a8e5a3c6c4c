// The PostgreSQL behind the spools of a test file.

import { afterAll, beforeAll } from 'vitest';
import { hasPostgres, type PostgresOptions, type RunningPostgres, startPostgres } from './postgres.ts';
import { URL_VARIABLE } from './spool-backends.ts';

/** Starts a PostgreSQL for the tests of this file, where there is one. */
export function useSpoolServer(options: PostgresOptions = { fsync: false }): { readonly server: RunningPostgres } {
  let server: RunningPostgres | undefined;
  beforeAll(async () => {
    if (!hasPostgres()) return;
    server = await startPostgres({ ...options, settings: { full_page_writes: 'off', ...options.settings } });
    process.env[URL_VARIABLE] = server.url().replace(`:${server.password}@`, '@');
    process.env['PGPASSWORD'] = server.password;
  });
  afterAll(() => server?.stop());
  return {
    get server() {
      if (!server) throw new Error('there is no PostgreSQL here');
      return server;
    },
  };
}
