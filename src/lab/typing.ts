// Commands typed in the demo so that they are seen, with what they answered. Strict: an answer that is not the expected one, or
// that does not come in time, ends the demo with Problem `demo-expectation`.

import type { Role } from '../config.ts';
import { Problem } from '../problem.ts';
import type { Stage } from './stage.ts';

const POLL_MS = 50;
const WAIT_LIMIT_MS = 20_000;

export interface Command {
  readonly role: Role;
  /** The cmdlet and its parameters, one word for each argument. */
  readonly words: readonly string[];
  /** Which lines of the answer are shown; all when absent. */
  readonly keep?: (line: string) => boolean;
}

/** Types a cmdlet, shows the answer and returns it; anything but exit code 0 ends the demo. */
export async function type(stage: Stage, command: Command): Promise<string> {
  const [answer = ''] = await typeBoth(stage, [command]);
  return answer;
}

/** The same for several at a time, shown one after the other. */
export async function typeBoth(stage: Stage, commands: readonly Command[]): Promise<string[]> {
  const { binary, story } = stage;
  const runs = commands.map(({ role, words }) => binary.run([role, ...words]));
  // One that fails while another is still shown is told when its turn comes.
  for (const run of runs) run.catch(() => {});
  const answers: string[] = [];
  for (const [index, { role, words, keep }] of commands.entries()) {
    story.command([role, ...words]);
    const ran = await runs[index];
    if (!ran) continue;
    if (ran.stdout !== '') story.output(ran.stdout, keep);
    if (ran.stderr !== '') story.output(ran.stderr);
    expect(stage, ran.code === 0, `relaypair ${role} ${words[0] ?? ''} ends with exit code ${ran.code}`, 'quiet');
    answers.push(ran.stdout);
  }
  return answers;
}

/** Repeats a cmdlet until its answer is as expected, and shows that one; ends the demo when it never is. */
export async function typeUntil(stage: Stage, command: Command, expected: RegExp): Promise<string> {
  const { role, words, keep } = command;
  let stdout = '';
  let stderr = '';
  await waitFor(stage, `the answer of ${words[0] ?? ''} matches ${expected.source}`, async () => {
    ({ stdout, stderr } = await stage.binary.run([role, ...words]));
    return expected.test(stdout);
  }).finally(() => {
    stage.story.command([role, ...words]);
    stage.story.output(stdout, keep);
    if (stderr !== '') stage.story.output(stderr);
  });
  return stdout;
}

/** Runs a cmdlet with --json beside the story and returns its records. */
export async function query(stage: Stage, role: Role, words: readonly string[]): Promise<Record<string, unknown>[]> {
  const { code, stdout, stderr } = await stage.binary.run([role, ...words, '--json']);
  if (code !== 0) throw brokenExpectation(`relaypair ${role} ${words.join(' ')} answers: ${stderr.trim()}`);
  return stdout.trim() === '' ? [] : (JSON.parse(stdout) as Record<string, unknown>[]);
}

/** Says that `sentence` holds, or ends the demo because it does not; a quiet one is only heard of when it is broken. */
export function expect({ story }: Stage, holds: boolean, sentence: string, voice: 'aloud' | 'quiet' = 'aloud'): void {
  if (!holds) throw brokenExpectation(sentence);
  if (voice === 'aloud') story.held(sentence);
}

/** Waits until `look` says so; ends the demo when it does not in time, or when the person stops it. */
export async function waitFor(stage: Stage, sentence: string, look: () => Promise<boolean> | boolean): Promise<void> {
  const limitMs = performance.now() + WAIT_LIMIT_MS;
  while (!(await look())) {
    stage.signal.throwIfAborted();
    if (performance.now() > limitMs) throw brokenExpectation(`${sentence} (waited ${WAIT_LIMIT_MS / 1000} s in vain)`);
    await new Promise<void>((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}

function brokenExpectation(sentence: string): Problem {
  return new Problem('demo-expectation', sentence);
}
