// A spool that no server has open, looked at and, if wanted, put right. Everything here can be killed at any moment and done
// again: what is set aside stays set aside, and a database is replaced only by one that is whole.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { isProblem, messageOf, Problem } from '../problem.ts';
import { BodyFolder } from './body-folder.ts';
import { BodyDamage, readBody } from './body-reader.ts';
import { explainOpeningFault } from './disk-fault.ts';
import { checkMessages } from './spool-check.ts';
import { SpoolDatabase } from './spool-database.ts';
import { finishRebuild, rebuildDatabase } from './spool-rebuild.ts';
import type { RebuiltSpool } from './spool-rows.ts';
import { openSpoolFile } from './spool-opening.ts';
import { journalFindings, messageFinding, setAsideFinding } from './spool-findings.ts';
import type { CheckWatch, Spool, SpoolFinding, SpoolOptions, SpoolReport } from './spool.ts';

export interface ExaminationOptions extends SpoolOptions, CheckWatch {
  readonly repair: boolean;
  /** Opens the spool as a server would. */
  readonly openSpool: () => Promise<Spool>;
}

/** Looks at everything; with `repair` it also sets aside, removes and rebuilds. Problem `in-use`, `spool-missing`, or the disk's. */
export async function examineSpool(options: ExaminationOptions): Promise<SpoolReport> {
  const { folder, repair } = options;
  const isThere = ['spool.db', 'spool.db.rebuilt'].some((name) => existsSync(join(folder, name)));
  if (!isThere)
    throw new Problem('spool-missing', `there is no spool in ${folder}: the server has not been started there yet`);
  const opened = openDamaged(folder);
  const bodies = await BodyFolder.open(join(folder, 'bodies'));
  try {
    const faults = opened.findings.map((fault) => ({ ...fault, ...(repair && { action: 'rebuilt' }) }));
    const journals = journalFindings(folder);
    const files = await inspectFiles(opened, bodies, { repair, hasKeptJournal: journals.length > 0 });
    const findings = [...faults, ...journals, ...files];
    if (!repair) return await lookOnly(options, { ...opened, bodies, findings });
    if (opened.findings.length > 0) findings.push(...rebuild(options, opened.connection));
    else opened.connection?.close();
    return await repairMessages(options, findings);
  } finally {
    if (opened.connection?.isOpen === true) opened.connection.close();
    await bodies.close();
  }
}

interface Opened {
  readonly connection: DatabaseSync | undefined;
  readonly database: SpoolDatabase | undefined;
  /** What is wrong with the database itself. */
  readonly findings: readonly SpoolFinding[];
}

function openDamaged(folder: string): Opened {
  let connection: DatabaseSync | undefined;
  try {
    connection = openSpoolFile(folder);
    const faults = connection
      .prepare('PRAGMA integrity_check(10)')
      .all()
      .map((row) => String(row['integrity_check']));
    const findings = faults.filter((fault) => fault !== 'ok').map(databaseFinding);
    return { connection, database: new SpoolDatabase(connection), findings };
  } catch (error) {
    const explained = explainOpeningFault(error);
    if (!isProblem(explained, 'database-unreadable')) {
      connection?.close();
      throw explained;
    }
    return { connection, database: undefined, findings: [databaseFinding(messageOf(error))] };
  }
}

function databaseFinding(reason: string): SpoolFinding {
  return { entry: 'spool.db', kind: 'database', reason };
}

/** Files that belong to no message; a repair removes or moves them when it opens the spool. */
async function inspectFiles(
  { database, findings }: Opened,
  bodies: BodyFolder,
  { repair, hasKeptJournal }: { repair: boolean; hasKeptJournal: boolean },
): Promise<SpoolFinding[]> {
  // Which bodies belong to nobody, only a sound database can tell.
  if (!database || findings.length > 0) return [];
  const found = await bodies.inspect((name) => database.isBodyFile(name), 0);
  if (!repair) return found;
  const isRemoved = ({ kind }: SpoolFinding): boolean => kind === 'orphan' && !hasKeptJournal;
  return found.map((finding) => ({ ...finding, action: isRemoved(finding) ? 'removed' : 'moved to damaged' }));
}

async function lookOnly(
  { signal, onProgress }: CheckWatch,
  { database, bodies, findings }: Opened & { bodies: BodyFolder; findings: SpoolFinding[] },
): Promise<SpoolReport> {
  const checked = { messages: 0, bytes: 0 };
  if (!database) return { ...checked, findings };
  findings.push(...database.listDamaged().map(setAsideFinding));
  for (const id of allIds(database, findings)) {
    if (signal?.aborted === true) break;
    const { sizeBytes, reason } = await lookAt(id, database, bodies);
    if (reason === undefined) {
      checked.messages += 1;
      checked.bytes += sizeBytes;
    } else findings.push(messageFinding({ id, reason }));
    if (checked.messages % 1000 === 0) onProgress?.(checked);
  }
  return { ...checked, findings };
}

function* allIds(database: SpoolDatabase, findings: SpoolFinding[]): Generator<number> {
  let afterId = 0;
  try {
    for (;;) {
      const ids = database.listIds(afterId, 500);
      yield* ids;
      const last = ids.at(-1);
      if (last === undefined) return;
      afterId = last;
    }
  } catch (error) {
    findings.push(databaseFinding(`messages after ${afterId} cannot be listed: ${messageOf(error)}`));
  }
}

async function lookAt(
  id: number,
  database: SpoolDatabase,
  bodies: BodyFolder,
): Promise<{ sizeBytes: number; reason?: string }> {
  try {
    const loaded = database.load(id);
    if (loaded?.kind !== 'good') return { sizeBytes: 0, reason: loaded?.reason ?? 'its row cannot be found' };
    const place = database.findBody(id);
    if (place) for await (const _chunk of readBody(place, bodies)) continue;
    return { sizeBytes: loaded.message.bodySizeBytes };
  } catch (error) {
    if (error instanceof BodyDamage) return { sizeBytes: 0, reason: error.message };
    const explained = explainOpeningFault(error);
    if (isProblem(explained, 'database-unreadable')) return { sizeBytes: 0, reason: messageOf(error) };
    throw explained;
  }
}

function rebuild({ folder, clock }: ExaminationOptions, connection: DatabaseSync | undefined): SpoolFinding[] {
  const { copied, lostIds }: RebuiltSpool = rebuildDatabase(folder, connection, clock.now());
  const kept = finishRebuild(folder, () => connection?.close());
  const action = `rebuilt with ${copied} messages; the old one is kept as ${kept ?? 'nothing'}`;
  return [
    { entry: 'spool.db', kind: 'database', reason: 'it was damaged', action },
    ...lostIds.map((id): SpoolFinding => {
      return { ...messageFinding({ id, reason: 'its row cannot be read' }), action: `left in ${kept ?? 'nothing'}` };
    }),
  ];
}

async function repairMessages(options: ExaminationOptions, findings: SpoolFinding[]): Promise<SpoolReport> {
  const spool = await options.openSpool();
  try {
    const checked = await checkMessages(spool, options);
    findings.push(...(await spool.listDamaged()).map(setAsideFinding));
    return { ...checked, findings };
  } finally {
    await spool.close();
  }
}
