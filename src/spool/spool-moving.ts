// The move of a server from one spool backend to another: both are opened as this server, others are refused, and a mark in the
// server's folder and in the database keeps every server from starting on half of the mail until the copy is whole.

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { SpoolConfig } from '../config-spool.ts';
import { Problem } from '../problem.ts';
import { ensurePrivateFolder, syncFolder, writeFileDurably } from '../storage/files.ts';
import { findSpoolBackend } from './backends.ts';
import { PostgresSpool } from './postgres-spool.ts';
import { type CopyReport, copySpool } from './spool-copy.ts';
import type { Spool, SpoolOptions } from './spool.ts';

export interface MoveOptions extends SpoolOptions {
  readonly from: SpoolConfig['backend'];
  readonly to: SpoolConfig['backend'];
  readonly onProgress?: (moved: number) => void;
}

const MARK = 'copy-under-way.json';
const markFormat = z.object({ from: z.string(), to: z.string() });

/** Problem `spool-copy-unfinished` where a copy was begun in this folder and not finished. */
export function refuseUnfinishedCopy(folder: string): void {
  const mark = readMark(folder);
  if (mark) throw unfinishedProblem(mark);
}

/**
 * Copies everything from one backend to the other, or what an interrupted copy has left. Problems of opening either, and
 * `spool-shared` when other servers have the database open, `spool-copy-unfinished` when another copy is unfinished.
 */
export async function moveSpool(options: MoveOptions): Promise<CopyReport> {
  const { from, to, folder, onProgress } = options;
  if (from === to)
    throw new Problem('bad-value', `a copy from ${from} to ${to} would change nothing: name two backends`);
  if (!options.postgres) {
    throw new Problem('config-invalid', 'the config names no database: add a section spool with "backend: postgres"');
  }
  const mark = readMark(folder);
  if (mark && (mark.from !== from || mark.to !== to)) throw unfinishedProblem(mark);
  const opened: Spool[] = [];
  try {
    for (const name of [from, to]) opened.push(await findSpoolBackend(name).open({ ...options, isCopying: true }));
    const [source, target] = opened as [Spool, Spool];
    await Promise.all(opened.map(refuseOthers));
    ensurePrivateFolder(folder);
    writeFileDurably(join(folder, MARK), JSON.stringify({ from, to }));
    const shared = opened.filter((spool) => spool instanceof PostgresSpool);
    for (const spool of shared) await spool.markCopy(true);
    const report = await copySpool(source, target, onProgress);
    for (const spool of shared) await spool.markCopy(false);
    rmSync(join(folder, MARK));
    syncFolder(folder);
    return report;
  } finally {
    for (const spool of opened) await spool.close();
  }
}

async function refuseOthers(spool: Spool): Promise<void> {
  if (!(spool instanceof PostgresSpool)) return;
  const others = (await spool.nodes()).filter(({ isSelf }) => !isSelf);
  if (others.length === 0) return;
  const names = others.map(({ name }) => name).join(', ');
  throw new Problem(
    'spool-shared',
    `the database is in use by ${names}: stop every server of it first, or wait for their leases`,
  );
}

function readMark(folder: string): z.infer<typeof markFormat> | undefined {
  const path = join(folder, MARK);
  return existsSync(path) ? markFormat.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
}

function unfinishedProblem({ from, to }: z.infer<typeof markFormat>): Problem {
  return new Problem(
    'spool-copy-unfinished',
    `a copy of the spool was begun and not finished: run "relaypair spool copy --from ${from} --to ${to}" again`,
  );
}
