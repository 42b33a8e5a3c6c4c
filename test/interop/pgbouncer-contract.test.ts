// What every spool on PostgreSQL promises, through PgBouncer in transaction mode: the contract tests as they are.

import { describe, vi } from 'vitest';
import { hasPgBouncer } from '../helpers/pgbouncer.ts';
import { hasPostgres } from '../helpers/postgres.ts';

// Read by what is imported here.
vi.hoisted(() => {
  process.env['RELAYPAIR_TEST_POOLER'] = 'transaction';
});

describe.skipIf(!hasPostgres() || !hasPgBouncer())('through PgBouncer in transaction mode', async () => {
  await import('../contract/spool.test.ts');
  await import('../contract/spool-settlement.test.ts');
  await import('../contract/nodes.test.ts');
});
