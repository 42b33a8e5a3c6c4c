// The tables of the PostgreSQL spool, version by version: a script here is never changed once released, the next one is added
// behind it. `relaypair spool migrate` brings a database up to date; a server only looks, since others may be running on it.

import { Problem } from '../problem.ts';
import type { PostgresConnection, Transaction } from './postgres-connection.ts';

/**
 * The n-th script brings a spool from version n-1 to n; `@` stands for the schema.
 *
 * `message`: one row each, with its body where that is small. `due_ms` repeats the next attempt for the index that claims are
 * made by. `owner` is the row of `node` that holds it; `revision` rises with each settlement. Ids come in blocks of 64, so that a
 * server knows the id of a message before it stores it, and no block is given out twice.
 * `chunk`: large bodies in pieces, written while the message comes in; `intake` names those whose message is not there yet, and
 * the server that writes them. `copy`: who moves mail to or from another backend and has not finished. `node`: who is at work; a row is never used again by anybody else (lease.ts).
 * `report`: what a node says of itself; `suspension`: the servers that are to take nothing more (spool-nodes.ts).
 * `drill`: a failover on purpose while it is under way, with what was accepted and delivered of its mail (spool-drills.ts).
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE SEQUENCE @.message_id INCREMENT BY 64 MINVALUE 64 START 64;
  CREATE SEQUENCE @.node_id;
  CREATE TABLE @.node (
    id bigint PRIMARY KEY DEFAULT nextval('@.node_id'),
    server uuid NOT NULL,
    name text NOT NULL,
    beat bigint NOT NULL DEFAULT 0,
    lease_ms bigint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE @.message (
    id bigint PRIMARY KEY,
    received_ms bigint NOT NULL,
    due_ms bigint NOT NULL,
    body_size bigint NOT NULL,
    checksum bytea NOT NULL,
    body_checksum bytea NOT NULL,
    envelope bytea NOT NULL,
    trace bytea NOT NULL,
    body bytea,
    owner bigint,
    revision integer NOT NULL DEFAULT 0,
    suspended smallint NOT NULL DEFAULT 0,
    attempts integer,
    next_attempt_ms bigint,
    recipients text,
    state_checksum bytea,
    damage text,
    damaged_ms bigint
  );
  ALTER TABLE @.message ALTER COLUMN body SET STORAGE EXTERNAL;
  CREATE INDEX message_due ON @.message (owner, due_ms, id) WHERE damage IS NULL;
  CREATE INDEX message_set_aside ON @.message (id) WHERE damage IS NOT NULL OR suspended = 2;
  CREATE TABLE @.copy (
    server uuid PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE @.intake (
    id bigint PRIMARY KEY,
    node bigint NOT NULL
  );
  CREATE TABLE @.chunk (
    message bigint NOT NULL,
    number integer NOT NULL,
    octets bytea NOT NULL,
    PRIMARY KEY (message, number)
  );
  ALTER TABLE @.chunk ALTER COLUMN octets SET STORAGE EXTERNAL;
  `,
  `
  ALTER TABLE @.node ADD COLUMN report text;
  CREATE TABLE @.suspension (
    server uuid PRIMARY KEY,
    name text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  `,
  `
  CREATE TABLE @.drill (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    id uuid NOT NULL UNIQUE,
    stage text NOT NULL DEFAULT 'flow',
    kill bigint,
    asked_by text NOT NULL,
    shown_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE @.drill_mail (
    drill uuid NOT NULL REFERENCES @.drill (id) ON DELETE CASCADE,
    mail uuid NOT NULL,
    node text NOT NULL,
    message bigint NOT NULL,
    PRIMARY KEY (drill, mail)
  );
  CREATE TABLE @.drill_delivery (
    drill uuid NOT NULL REFERENCES @.drill (id) ON DELETE CASCADE,
    mail uuid NOT NULL,
    node text NOT NULL
  );
  CREATE INDEX drill_delivery_mail ON @.drill_delivery (drill, mail);
  `,
];

/** What this relaypair reads and writes. */
const SCHEMA_VERSION = MIGRATIONS.length;

/** Ids in a block of the sequence. */
export const ID_BLOCK = 64;

/** Any number; who migrates holds it, so that two do not do it at a time. */
const MIGRATION_LOCK = 7_165_601;

/** The version of the tables; 0: there are none. Problem `spool-unavailable`. */
async function readSchemaVersion(connection: PostgresConnection): Promise<number> {
  const { schema } = connection.config;
  const [place] = await connection.query<{ found: string | null }>('SELECT to_regclass($1)::text AS found', [
    `${schema}.migration`,
  ]);
  if (place?.found === null || place === undefined) return 0;
  return lastVersion(connection, schema);
}

async function lastVersion(asked: Pick<PostgresConnection, 'query'>, schema: string): Promise<number> {
  const [row] = await asked.query<{ version: number }>(
    `SELECT coalesce(max(version), 0) AS version FROM ${schema}.migration`,
  );
  return row?.version ?? 0;
}

/** Problem `spool-not-migrated` or `format-too-new` unless the tables are in the present version. */
export async function requireSchema(connection: PostgresConnection): Promise<void> {
  const version = await readSchemaVersion(connection);
  const { schema, database } = connection.config;
  if (version === SCHEMA_VERSION) return;
  if (version > SCHEMA_VERSION) throw tooNewProblem(schema, version);
  const what =
    version === 0
      ? `the database ${database} has no spool in the schema ${schema}`
      : `the spool in the schema ${schema} has version ${version}, this relaypair needs ${SCHEMA_VERSION}`;
  const others = version === 0 ? '' : ' while no server uses it';
  throw new Problem('spool-not-migrated', `${what}: run "relaypair spool migrate"${others} and start again`);
}

function tooNewProblem(schema: string, version: number): Problem {
  return new Problem(
    'format-too-new',
    `the spool in the schema ${schema} has version ${version}, this relaypair knows up to ${SCHEMA_VERSION}: start the newer relaypair that made it`,
  );
}

/**
 * Keeps every server from opening the spool while `server` moves mail to it or from it. Problem `spool-shared` where others have it
 * open: under a lock, so that none begins in the same moment.
 */
export async function markCopy(connection: PostgresConnection, server: string, isUnderWay: boolean): Promise<void> {
  const { schema } = connection.config;
  await connection.transact(async ({ query }) => {
    if (!isUnderWay) return query(`DELETE FROM ${schema}.copy WHERE server = $1`, [server]);
    await query(`LOCK TABLE ${schema}.copy IN EXCLUSIVE MODE`);
    const others = await query<{ name: string }>(`SELECT name FROM ${schema}.node WHERE server <> $1`, [server]);
    if (others.length > 0) throw sharedProblem(others.map(({ name }) => name));
    return query(`INSERT INTO ${schema}.copy (server) VALUES ($1) ON CONFLICT DO NOTHING`, [server]);
  });
}

export function sharedProblem(names: readonly string[]): Problem {
  return new Problem('spool-shared', `the database is in use by ${names.join(', ')}: stop every server of it first`);
}

/**
 * Problem `spool-copy-unfinished` where mail is just being moved to this spool or from it; until the end of the transaction no copy
 * begins.
 */
export async function refuseCopy({ query }: Transaction, schema: string): Promise<void> {
  await query(`LOCK TABLE ${schema}.copy IN SHARE MODE`);
  const rows = await query(`SELECT server FROM ${schema}.copy LIMIT 1`);
  if (rows.length === 0) return;
  const text = `a copy to or from the spool in the schema ${schema} was begun and not finished`;
  throw new Problem(
    'spool-copy-unfinished',
    `${text}: run "relaypair spool copy" again on the server where it was begun`,
  );
}

/** What a migration did. */
export interface MigrationReport {
  readonly from: number;
  readonly to: number;
}

/** Makes the tables or brings them up to date, all of it or nothing. Problem `format-too-new` or `spool-unavailable`. */
export async function migrateSchema(connection: PostgresConnection): Promise<MigrationReport> {
  const { schema } = connection.config;
  return connection.transact(async ({ query }) => {
    await query('SELECT pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await query(`CREATE TABLE IF NOT EXISTS ${schema}.migration (
      version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())`);
    const from = await lastVersion({ query }, schema);
    if (from > SCHEMA_VERSION) throw tooNewProblem(schema, from);
    for (const [index, script] of MIGRATIONS.slice(from).entries()) {
      await query(script.replaceAll('@', schema));
      await query(`INSERT INTO ${schema}.migration (version) VALUES ($1)`, [from + index + 1]);
    }
    return { from, to: SCHEMA_VERSION };
  });
}
