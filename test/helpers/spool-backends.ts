// Every spool backend as tests use it. Behind the one that needs a database stands a PostgreSQL of the test file's own, in which
// each folder has a schema; a child process finds it by its environment.

import { basename } from 'node:path';
import { completeSpool, type PostgresSpoolConfig, spoolSection } from '../../src/config-spool.ts';
import { silentLog } from '../../src/log.ts';
import { SPOOL_BACKENDS } from '../../src/spool/backends.ts';
import { PostgresConnection } from '../../src/spool/postgres-connection.ts';
import { migrateSchema } from '../../src/spool/postgres-schema.ts';
import type { SpoolBackend, SpoolOptions } from '../../src/spool/spool.ts';
import { hasPostgres } from './postgres.ts';

const made = new Set<string>();
/** The schema of another folder, for a process that shares its spool. */
const SCHEMA_VARIABLE = 'RELAYPAIR_TEST_SCHEMA';
const LEASE_VARIABLE = 'RELAYPAIR_TEST_LEASE';
export const URL_VARIABLE = 'RELAYPAIR_TEST_POSTGRES';

/** `transaction` or `session` puts PgBouncer between the spools of any of these tests and their database. */
export const POOLER_VARIABLE = 'RELAYPAIR_TEST_POOLER';

/** Those that can be tested here. A file that walks them says `useSpoolServer()` (spool-server.ts) first. */
export const TESTED_SPOOLS: readonly SpoolBackend[] = SPOOL_BACKENDS.filter(({ name }) =>
  name === 'postgres' ? hasPostgres() : process.env[POOLER_VARIABLE] === undefined,
).map(migrating);

/** The same options with the database of this folder, where a server was started. */
export function withTestDatabase(options: SpoolOptions, changes: Partial<PostgresSpoolConfig> = {}): SpoolOptions {
  const url = process.env[URL_VARIABLE];
  if (url === undefined) return options;
  const folder = basename(options.folder.replace(/\/spool$/, ''));
  const schema = process.env[SCHEMA_VARIABLE] ?? `t_${folder.toLowerCase().replaceAll(/[^a-z0-9]/g, '_')}`;
  const parsed = spoolSection.parse({ backend: 'postgres', url, schema, connections: 6, allowUnsafe: true });
  const completed = completeSpool(parsed, { role: 'hub', folder: '/' });
  if (typeof completed === 'string') throw new Error(completed);
  if (completed.backend !== 'postgres') throw new Error('not the backend that was asked for');
  const lease = Number(process.env[LEASE_VARIABLE] ?? completed.lease);
  return { ...options, postgres: { ...completed, pollInterval: 600_000, lease, ...changes } };
}

/** The backend, with the tables of a folder made when it is first opened. */
function migrating(backend: SpoolBackend): SpoolBackend {
  if (backend.name !== 'postgres') return backend;
  return {
    ...backend,
    open: async (options) => {
      const full = options.postgres ? options : withTestDatabase(options);
      await migrate(full);
      return backend.open(full);
    },
    examine: (options) => backend.examine({ ...withTestDatabase(options), ...options }),
  };
}

/** Makes the tables where there are none. */
async function migrate({ postgres }: SpoolOptions): Promise<void> {
  if (!postgres || made.has(postgres.schema)) return;
  made.add(postgres.schema);
  const connection = new PostgresConnection(postgres, silentLog());
  try {
    await migrateSchema(connection);
  } finally {
    await connection.close();
  }
}
