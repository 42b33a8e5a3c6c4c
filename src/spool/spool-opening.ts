// What the embedded spool does before it gives anything out: takes the lock, brings the format up to date, removes crash
// leftovers, moves foreign files aside, marks messages whose body file is missing or has another size. Nothing is
// rewritten in place, so it can be killed at any moment and begun again.

import { closeSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '../storage/database.ts';
import { ensurePrivateFolder, syncFolder } from '../storage/files.ts';
import { BodyFolder } from './body-folder.ts';
import { GroupCommit } from './group-commit.ts';
import type { DamagedMessage, SpoolOptions } from './spool.ts';
import { Journal, type JournalOptions } from './journal.ts';
import { keepDamagedJournal, keptJournals, readDamagedJournal } from './journal-damage.ts';
import { SpoolDatabase } from './spool-database.ts';
import { SPOOL_MIGRATIONS } from './spool-format.ts';
import { finishRebuild } from './spool-rebuild.ts';

const JOURNAL_DAMAGED =
  'spool: a place in the journal cannot be read, nor what followed it: unless the power was cut, mail that was accepted is missing. The journal and bodies that belong to no message are kept until it is removed';

/** What an open spool works with. */
export interface SpoolParts {
  readonly folder: string;
  readonly connection: DatabaseSync;
  readonly journal: Journal;
  readonly group: GroupCommit;
  readonly database: SpoolDatabase;
  readonly bodies: BodyFolder;
  /** Good messages and the octets of their bodies. */
  readonly totals: { messages: number; bytes: number };
  readonly damaged: readonly DamagedMessage[];
  /** Ids of messages that are poison. */
  readonly poisonIds: readonly number[];
}

interface Stores {
  readonly connection: DatabaseSync;
  readonly database: SpoolDatabase;
  readonly bodies: BodyFolder;
}

/** Opens or makes the spool in the folder and recovers it. Problems of openDatabase, else the disk's own errors. */
export async function openSpoolParts(options: SpoolOptions & JournalOptions): Promise<SpoolParts> {
  // The lock comes first: a sweep in the folder of a living owner would take bodies that it is just writing.
  const connection = openSpoolFile(options.folder);
  let bodies: BodyFolder | undefined;
  try {
    bodies = await BodyFolder.open(join(options.folder, 'bodies'));
    syncFolder(options.folder);
    const database = new SpoolDatabase(connection);
    await recover({ connection, database, bodies }, options);
    database.waitAll();
    const [totals, damaged] = [database.countTotals(), database.listDamaged()];
    const poisonIds = database.listPoisonIds();
    const journal = new Journal(connection, databasePath(options.folder), options);
    const group = writeTo(connection, journal);
    return { folder: options.folder, connection, journal, group, database, bodies, totals, damaged, poisonIds };
  } catch (error) {
    await bodies?.close();
    connection.close();
    throw error;
  }
}

function writeTo(database: DatabaseSync, journal: Journal): GroupCommit {
  return new GroupCommit({
    database,
    sync: () => journal.sync(),
    onQuiet: () => journal.tidy(),
    onFull: () => journal.makeRoom(),
  });
}

/** Opens or makes the database under its lock, after whatever a repair has left half done. Problems of openDatabase. */
export function openSpoolFile(folder: string): DatabaseSync {
  ensurePrivateFolder(folder);
  finishRebuild(folder);
  syncFolder(dirname(folder));
  const path = databasePath(folder);
  makePrivateFile(path);
  const journal = readDamagedJournal(path);
  const connection = openDatabase({ path, name: 'spool', migrations: SPOOL_MIGRATIONS, exclusive: true });
  // Under the lock alone: of a living owner's journal anything may have been read.
  if (journal) keepDamagedJournal(folder, journal);
  return connection;
}

function databasePath(folder: string): string {
  return join(folder, 'spool.db');
}

/** Only ever made, never opened when it is there: to close it would end this process's own kernel lock on it. */
function makePrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

async function recover(stores: Stores, options: SpoolOptions): Promise<void> {
  const { database, bodies } = stores;
  const { log, folder } = options;
  const files = database.listBodyFiles();
  const names = new Set([...files.map(({ fileName }) => fileName), ...database.listIndexedFileNames()]);
  const aside = join(folder, 'damaged');
  const kept = keptJournals(folder);
  for (const name of kept) log.error({ path: join(aside, name) }, JOURNAL_DAMAGED);
  const report = await bodies.sweep(names, aside, kept.length === 0 ? 'remove' : 'keep');
  for (const path of report.kept)
    log.error({ path }, 'spool: moved a body that belongs to no message out of the folder');
  if (report.leftovers > 0) log.info({ leftovers: report.leftovers }, 'spool: removed bodies that were never accepted');
  for (const path of report.foreign) log.error({ path }, 'spool: moved a foreign file out of the body folder');
  const known = new Set(database.listDamaged().map(({ id }) => id));
  const damaged = files
    .filter(({ id, fileName, sizeBytes }) => !known.has(id) && report.sizes.get(fileName) !== sizeBytes)
    .map(({ id, fileName }) => ({
      id,
      reason: report.sizes.has(fileName) ? 'its body file has another size' : 'its body file is missing',
    }));
  if (damaged.length > 0) markDamaged(damaged, stores, options);
}

function markDamaged(damaged: readonly { id: number; reason: string }[], stores: Stores, options: SpoolOptions): void {
  stores.connection.exec('BEGIN IMMEDIATE');
  for (const { id, reason } of damaged) {
    stores.database.markDamaged(id, reason, options.clock.now());
    options.log.error({ id, reason }, 'spool: message is damaged and was set aside');
  }
  stores.connection.exec('COMMIT');
}
