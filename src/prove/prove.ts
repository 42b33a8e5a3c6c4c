// `relaypair prove`: the matrix of everything that can happen to TLS against every policy, tried on the pair itself, on a server or on a
// client of somebody else, and written down as a report with what shows each cell.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatEndpoint } from '../config.ts';
import { Sink } from '../lab/sink.ts';
import { createCertificate } from '../meddle/forged-certificate.ts';
import { isProblem, Problem } from '../problem.ts';
import type { ProveOptions } from '../shell/doors.ts';
import { formatTable } from '../shell/table.ts';
import { writeFileDurably } from '../storage/files.ts';
import { proveClient } from './client-subject.ts';
import { HubAlone } from './hub-alone.ts';
import { proveManners } from './manners.ts';
import { type Cell, findBrokenCells, findCell, hasHeld, type Heading, type Matrix, type Report } from './matrix.ts';
import { provePair } from './pair-subject.ts';
import type { Progress } from './progress.ts';
import { formatHtml } from './report-html.ts';
import { proveSending, proveServer } from './server-subject.ts';

export interface ProveRun extends ProveOptions {
  readonly version: string;
  /** Takes one line, without its end; what peers said stands in it as they said it. */
  readonly onLine: (line: string) => void;
  readonly onProgress: (text: string) => void;
  readonly signal: AbortSignal;
}

const HELD = 0;
const BROKEN = 1;
/** 128 + SIGINT, as shells have it. */
const STOPPED = 130;

/** Runs the proof; resolves to the exit code: 0 when everything that the rules promise came. Throws Problem when it cannot begin. */
export async function runProve(run: ProveRun): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'relaypair-prove-'));
  try {
    const matrices = (await lookAt(run, folder)).filter(({ cells }) => cells.length > 0);
    if (matrices.length === 0)
      throw new Problem(
        'bad-value',
        'no cell has these rows and columns: leave --event or --policy out to see them all',
      );
    const report: Report = { format: 1, made: new Date(), version: run.version, subject: nameOf(run), matrices };
    writeReport(run.report, report);
    tell(run, report);
    return findBrokenCells(report).length === 0 ? HELD : BROKEN;
  } catch (error) {
    if (!run.signal.aborted) throw error;
    run.onProgress(isProblem(error) ? error.message : 'stopped: no report was written');
    return STOPPED;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function nameOf({ subject }: ProveRun): string {
  if (subject.kind === 'pair') return 'the pair';
  return subject.kind === 'server' ? `the server at ${formatEndpoint(subject.target)}` : 'a client';
}

async function lookAt(run: ProveRun, folder: string): Promise<readonly Matrix[]> {
  const { subject, signal } = run;
  const isRow = chooser(run.events);
  const isColumn = chooser(run.policies);
  const progress = progressOf(run);
  const base = { folder: makeFolder(folder, 'hub-alone'), report: run.report, signal, progress, isRow, isColumn };
  if (subject.kind === 'server') return proveServer({ ...base, ...subject });
  if (subject.kind === 'client') return proveClient({ ...base, ...subject });
  const pair = await provePair({ ...base, folder });
  return [
    ...pair,
    await proveStranger(base),
    await proveOwnManners({ ...base, folder: makeFolder(folder, 'manners') }),
  ];
}

function chooser(ids: readonly string[]): (heading: Heading) => boolean {
  return ({ id }) => ids.length === 0 || ids.includes(id);
}

function makeFolder(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

type Base = Omit<Parameters<typeof proveSending>[0], 'target' | 'recipient'>;

/** To a server that the directory knows nothing of: one that takes everything, with an honest certificate. */
async function proveStranger(base: Base): Promise<Matrix> {
  const notBefore = new Date(Date.now() - 86_400_000);
  const notAfter = new Date(Date.now() + 30 * 86_400_000);
  const own = await createCertificate({ names: ['stranger.prove.test'], notBefore, notAfter, key: 'rsa' });
  const sink = await Sink.open({ key: own.privateKeyPem, cert: own.certificatePem });
  try {
    const target = { host: '127.0.0.1', port: sink.port };
    return {
      ...(await proveSending({ ...base, target, recipient: 'reader@stranger.prove.test' })),
      title: 'To a stranger',
    };
  } finally {
    await sink.close();
  }
}

async function proveOwnManners(base: Base): Promise<Matrix> {
  const hub = await HubAlone.open(base);
  const { progress, isRow } = base;
  try {
    const target = { host: '127.0.0.1', port: hub.port };
    return await proveManners({
      id: 'manners',
      title: 'A client of no manners at our server',
      target,
      isOurs: true,
      progress,
      isRow,
    });
  } finally {
    await hub.close();
  }
}

function progressOf({ onProgress }: ProveRun): Progress {
  let count = 0;
  return {
    say: onProgress,
    cell: (matrix, cell) => {
      const broken = hasHeld(cell) ? '' : ', NOT AS PROMISED';
      onProgress(`${++count}. ${matrix}: ${cell.event} / ${cell.policy}: ${cell.outcome}, ${cell.reason}${broken}`);
    },
  };
}

function writeReport(folder: string, report: Report): void {
  mkdirSync(folder, { recursive: true });
  const mode = 0o644;
  writeFileDurably(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 1)}\n`, { mode });
  writeFileDurably(join(folder, 'report.html'), formatHtml(report), { mode });
}

function tell(run: ProveRun, report: Report): void {
  const broken = findBrokenCells(report);
  if (run.isJson) {
    const cells = report.matrices.flatMap((matrix) => matrix.cells.map((cell) => short(matrix, cell)));
    return run.onLine(
      JSON.stringify({ subject: report.subject, held: broken.length === 0, report: run.report, cells }),
    );
  }
  for (const matrix of report.matrices) tellMatrix(run, matrix);
  run.onLine('');
  for (const cell of broken)
    run.onLine(
      `NOT AS PROMISED: ${cell.event} / ${cell.policy}: ${cell.outcome}, ${cell.reason}; promised: ${cell.expected?.outcome ?? ''}, ${cell.expected?.reason ?? ''}`,
    );
  run.onLine(
    `${join(run.report, 'report.html')} has the transcript and the cards of each cell, report.json the same for programs`,
  );
}

function short(matrix: Matrix, { event, policy, outcome, reason, expected }: Cell): object {
  return { matrix: matrix.id, event, policy, outcome, reason, ...(expected && { expected }) };
}

function tellMatrix({ onLine }: ProveRun, matrix: Matrix): void {
  const rows = matrix.events.map((event) => {
    const cells = matrix.policies.map((policy) => {
      const cell = findCell(matrix, event, policy);
      return [policy.title, cell ? `${cell.outcome} ${cell.reason}${hasHeld(cell) ? '' : ' (!)'}` : '-'] as const;
    });
    return { [matrix.title]: event.title, ...Object.fromEntries(cells) };
  });
  onLine('');
  for (const line of formatTable(rows, [matrix.title, ...matrix.policies.map(({ title }) => title)])) onLine(line);
}
