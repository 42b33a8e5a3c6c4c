// `relaypair demo`: what the pair does when certificates are made, trusted, expire and are renewed, told on two real servers
// with real messages. Everything it says it has checked; the first thing that is not so ends it with exit code 1.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProblem } from '../problem.ts';
import { tellOfFreshCertificates, tellOfMailBefore, tellOfSubscription, tellOfTrustedMail } from './first-year.ts';
import { tellOfExpiry, tellOfNewEdgeCertificate, tellOfNewHubCertificate } from './second-year.ts';
import { closeStage, openStage, type Stage } from './stage.ts';
import { Story } from './story.ts';

export interface DemoRun {
  /** Absolute; undefined: a temporary folder that is removed afterwards. */
  readonly dir: string | undefined;
  /** Takes one line, without its end. */
  readonly onText: (text: string) => void;
  /** Stops it and tidies up. */
  readonly signal: AbortSignal;
}

const DONE = 0;
const BROKEN = 1;
/** 128 + SIGINT, as shells have it. */
const STOPPED = 130;

/** Runs the demo; resolves to the exit code. Throws Problem when the folder cannot be used. */
export async function runDemo({ dir, onText, signal }: DemoRun): Promise<number> {
  const story = new Story({ onText, env: process.env });
  const folder = dir ?? mkdtempSync(join(tmpdir(), 'relaypair-demo-'));
  try {
    const stage = await openStage({ folder, story, signal });
    try {
      return await tell(stage);
    } finally {
      await closeStage(stage);
    }
  } finally {
    if (dir === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

async function tell(stage: Stage): Promise<number> {
  const { story, signal, folder } = stage;
  const startMs = performance.now();
  story.say(`All of it happens in ${folder}; type along there in another terminal.`);
  try {
    await tellChapters(stage);
  } catch (error) {
    if (signal.aborted) {
      story.say('Stopped: both servers are ended.');
      return STOPPED;
    }
    if (!isProblem(error)) throw error;
    story.broken(error.message);
    story.say('Run it again with --dir DIR to have everything kept for a look: logs, spools, directories.');
    return BROKEN;
  }
  story.held(`That is the whole story, told in ${((performance.now() - startMs) / 1000).toFixed(1)} s.`);
  return DONE;
}

async function tellChapters(stage: Stage): Promise<void> {
  await tellOfFreshCertificates(stage);
  const waiting = await tellOfMailBefore(stage);
  await tellOfSubscription(stage, waiting);
  await tellOfTrustedMail(stage);
  await tellOfExpiry(stage);
  await tellOfNewEdgeCertificate(stage);
  await tellOfNewHubCertificate(stage);
}
