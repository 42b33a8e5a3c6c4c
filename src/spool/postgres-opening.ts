// What a server does before it works on a shared spool: takes the lock of its own folder, in which its identity is kept, finds the
// primary, looks whether the tables are in the version that it knows, and takes a row in `node`.

import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { PostgresSpoolConfig } from '../config-spool.ts';
import { openDatabase } from '../storage/database.ts';
import { ensurePrivateFolder, syncFolder } from '../storage/files.ts';
import { PostgresBell } from './postgres-bell.ts';
import { PostgresBodies } from './postgres-bodies.ts';
import { PostgresConnection } from './postgres-connection.ts';
import { PostgresIntake } from './postgres-intake.ts';
import { PostgresNode } from './postgres-node.ts';
import { requireSchema } from './postgres-schema.ts';
import { PostgresShelf } from './postgres-shelf.ts';
import type { SpoolOptions } from './spool.ts';

export interface PostgresSpoolOptions extends SpoolOptions {
  readonly postgres: PostgresSpoolConfig;
  /** Nothing is set aside. Default false. */
  readonly isLookingOnly?: boolean;
}

/** What the parts tell the spool. */
export interface PostgresHooks {
  /** Everything that was claimed is others' by now. */
  readonly onLost: () => void;
  /** There may be something to claim. */
  readonly onWake: () => void;
  readonly onSetAside: (id: number, reason: string) => void;
  /** Whether anybody here would claim. */
  readonly isWanted: () => boolean;
}

export interface PostgresParts {
  /** Open as long as the spool is: its lock keeps a second server of this folder out. */
  readonly identity: DatabaseSync;
  /** This server, as long as its folder lives. */
  readonly server: string;
  readonly connection: PostgresConnection;
  readonly node: PostgresNode;
  readonly intake: PostgresIntake;
  readonly bodies: PostgresBodies;
  readonly shelf: PostgresShelf;
  readonly bell: PostgresBell;
}

const FILE = 'node.db';
const MACHINE_ID = '/etc/machine-id';

/** Problems `in-use`, `spool-unavailable`, `spool-unsafe`, `spool-refused`, `spool-not-migrated`, `format-too-new`, `spool-copy-unfinished`. */
export async function openPostgresParts(options: PostgresSpoolOptions, hooks: PostgresHooks): Promise<PostgresParts> {
  const { folder, log, clock, postgres, isLookingOnly = false } = options;
  const identity = openIdentity(folder);
  const connection = new PostgresConnection(postgres, log);
  try {
    await requireSchema(connection);
    const { server, isMoved } = readIdentity(identity, folder);
    const { onLost, onWake, onSetAside, isWanted } = hooks;
    const own = await PostgresNode.open({
      connection,
      log,
      server,
      name: options.name ?? hostname(),
      isMoved,
      isCopying: options.isCopying === true,
      onLost,
      onFreed: onWake,
    });
    identity.prepare('UPDATE identity SET place = ?').run(placeOf(folder));
    const node = (): number => own.id;
    const intake = new PostgresIntake({ connection, node: own, log });
    const bodies = new PostgresBodies({ connection, nextId: () => intake.nextId(), node });
    const shelf = new PostgresShelf({ connection, clock, log, node, onSetAside, isLookingOnly });
    const bell = new PostgresBell({ connection, log, node, onWake, onWish: () => own.reportSoon(), isWanted });
    await bell.start();
    return { identity, server, connection, node: own, intake, bodies, shelf, bell };
  } catch (error) {
    await connection.close();
    identity.close();
    throw error;
  }
}

/** The folder's own name for this server, made at the first start, under a lock that ends with the process. */
function openIdentity(folder: string): DatabaseSync {
  ensurePrivateFolder(folder);
  syncFolder(dirname(folder));
  const migrations = [
    'CREATE TABLE identity (server TEXT NOT NULL) STRICT;',
    "ALTER TABLE identity ADD COLUMN place TEXT NOT NULL DEFAULT '';",
  ];
  const database = openDatabase({ path: join(folder, FILE), name: 'spool', migrations, exclusive: true });
  database.prepare('INSERT INTO identity SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM identity)').run(randomUUID(), '');
  return database;
}

function readIdentity(identity: DatabaseSync, folder: string): { server: string; isMoved: boolean } {
  const row = identity.prepare('SELECT server, place FROM identity').get();
  const place = String(row?.['place']);
  return { server: String(row?.['server']), isMoved: place !== '' && place !== placeOf(folder) };
}

/** Where the identity is: another machine, path or file says that it was moved or copied. */
function placeOf(folder: string): string {
  const machine = existsSync(MACHINE_ID) ? readFileSync(MACHINE_ID, 'utf8').trim() : '';
  return `${machine} ${statSync(join(folder, FILE)).ino} ${realpathSync(folder)}`;
}
