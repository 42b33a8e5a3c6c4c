// The move of a server from one spool backend to another: both are opened as this server, others are refused, and a mark in the
// server's folder and in the database keeps every server from starting on half of the mail until the copy is whole.

import { setTimeout as wait } from 'node:timers/promises';
import type { SpoolConfig } from '../config-spool.ts';
import type { Log } from '../log.ts';
import { Problem } from '../problem.ts';
import { findSpoolBackend } from './backends.ts';
import { readCopyMark, removeCopyMark, unfinishedCopy, writeCopyMark } from './copy-mark.ts';
import { PostgresSpool } from './postgres-spool.ts';
import { type CopyReport, copySpool } from './spool-copy.ts';
import { sharedProblem } from './postgres-schema.ts';
import type { SpoolNode, SpoolNodes } from './spool-nodes.ts';
import type { Spool, SpoolOptions } from './spool.ts';

export interface MoveOptions extends SpoolOptions {
  readonly from: SpoolConfig['backend'];
  readonly to: SpoolConfig['backend'];
  readonly onProgress?: (moved: number) => void;
}

const LOOK_AGAIN_MS = 250;

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
    const shared = opened.filter((spool) => spool instanceof PostgresSpool);
    for (const spool of shared) {
      await outliveOthers(spool, options.log);
      await spool.markCopy(true);
    }
    writeCopyMark(folder, { from, to });
    const report = await copySpool(source, target, onProgress);
    for (const spool of shared) await spool.markCopy(false);
    removeCopyMark(folder);
    return report;
  } finally {
    for (const spool of opened) await spool.close();
  }
}

/** Waits for the lease of servers that show no life, which are gone then; Problem `spool-shared` as soon as one shows life. */
async function outliveOthers({ nodes }: PostgresSpool, log: Log): Promise<void> {
  const first = new Map((await others(nodes)).map((node) => [node.id, node]));
  for (let left: readonly SpoolNode[] = [...first.values()]; left.length > 0; left = await others(nodes)) {
    const living = left.filter(({ id, lastBeatAt }) => first.get(id)?.lastBeatAt?.getTime() !== lastBeatAt?.getTime());
    if (living.length > 0) throw sharedProblem(living.map(({ name }) => name));
    const names = left.map(({ name }) => name);
    log.info({ names }, 'spool: waiting for the lease of servers to run out, should they be gone');
    await wait(LOOK_AGAIN_MS);
  }
}

async function others(nodes: SpoolNodes): Promise<SpoolNode[]> {
  return (await nodes.list()).filter(({ id, isSelf }) => id !== undefined && !isSelf);
}
