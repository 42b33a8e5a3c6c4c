// What is done to a server's spool while the server is stopped: tables in PostgreSQL made or brought up to date, and everything moved
// from one backend to the other.

import { existsSync } from 'node:fs';
import type { OfflineContext } from './cmdlets/cmdlet.ts';
import { Problem } from './problem.ts';
import { PostgresConnection } from './spool/postgres-connection.ts';
import { type MigrationReport, migrateSchema } from './spool/postgres-schema.ts';
import type { CopyReport } from './spool/spool-copy.ts';
import { type MoveOptions, moveSpool } from './spool/spool-moving.ts';
import { spoolOptions } from './spool/spool-settings.ts';
import { claimPrivateFolder } from './storage/files.ts';
import { isServerData } from './storage/folder-owner.ts';

/** Problem `config-invalid` where the config names no database; else those of `migrateSchema`. */
export async function migrateSpool({ config, log }: OfflineContext): Promise<MigrationReport & { schema: string }> {
  const { spool, path } = config;
  if (spool.backend !== 'postgres') {
    throw new Problem('config-invalid', `${path} names no database: give its section spool the backend postgres`);
  }
  const connection = new PostgresConnection(spool, log);
  try {
    return { schema: spool.schema, ...(await migrateSchema(connection)) };
  } finally {
    await connection.close();
  }
}

/** Problems of `moveSpool`. */
export async function copyServerSpool(
  context: OfflineContext,
  wish: Pick<MoveOptions, 'from' | 'to' | 'onProgress'>,
): Promise<CopyReport> {
  const { folder } = context.config;
  if (!existsSync(folder)) claimPrivateFolder(folder, isServerData);
  return moveSpool({ ...spoolOptions(context), ...wish });
}
