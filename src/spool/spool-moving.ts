// The move of a server from one spool backend to another: both are opened as this server, others are refused, and a mark in the
// server's folder and in the database keeps every server from starting on half of the mail until the copy is whole.

import type { SpoolConfig } from '../config-spool.ts';
import { Problem } from '../problem.ts';
import { findSpoolBackend } from './backends.ts';
import { readCopyMark, removeCopyMark, unfinishedCopy, writeCopyMark } from './copy-mark.ts';
import { PostgresSpool } from './postgres-spool.ts';
import { type CopyReport, copySpool } from './spool-copy.ts';
import type { Spool, SpoolOptions } from './spool.ts';

export interface MoveOptions extends SpoolOptions {
  readonly from: SpoolConfig['backend'];
  readonly to: SpoolConfig['backend'];
  readonly onProgress?: (moved: number) => void;
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
  const mark = readCopyMark(folder);
  if (mark && (mark.from !== from || mark.to !== to)) throw unfinishedCopy(mark);
  const opened: Spool[] = [];
  try {
    for (const name of [from, to]) opened.push(await findSpoolBackend(name).open({ ...options, isCopying: true }));
    const [source, target] = opened as [Spool, Spool];
    await Promise.all(opened.map(refuseOthers));
    writeCopyMark(folder, { from, to });
    const shared = opened.filter((spool) => spool instanceof PostgresSpool);
    for (const spool of shared) await spool.markCopy(true);
    const report = await copySpool(source, target, onProgress);
    for (const spool of shared) await spool.markCopy(false);
    removeCopyMark(folder);
    return report;
  } finally {
    for (const spool of opened) await spool.close();
  }
}

async function refuseOthers(spool: Spool): Promise<void> {
  if (!(spool instanceof PostgresSpool)) return;
  const others = (await spool.nodes.list()).filter(({ id, isSelf }) => id !== undefined && !isSelf);
  if (others.length === 0) return;
  const names = others.map(({ name }) => name).join(', ');
  throw new Problem(
    'spool-shared',
    `the database is in use by ${names}: stop every server of it first, or wait for their leases`,
  );
}
