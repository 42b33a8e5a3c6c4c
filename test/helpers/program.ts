// Runs a program that others wrote to its end.

import { spawn } from 'node:child_process';
import type { Ran } from './pair.ts';

export interface ProgramOptions {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** What it said; rejects unless its exit code is 0. */
export async function runToSuccess(
  program: string,
  parameters: readonly string[],
  options: ProgramOptions = {},
): Promise<Ran> {
  const ran = await runProgram(program, parameters, options);
  if (ran.code !== 0) throw new Error(`${program} ended with ${ran.code}: ${ran.stderr}${ran.stdout}`);
  return ran;
}

/** Its exit code and what it said. Never rejects for what the program does; rejects when it cannot be started. */
export function runProgram(program: string, parameters: readonly string[], options: ProgramOptions = {}): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      cwd: options.cwd,
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin`, LC_ALL: 'C', ...options.env },
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({ code: code ?? -1, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
    // A program that has seen enough closes its input.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
}
