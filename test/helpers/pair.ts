// A real pair under `relaypair up`, driven through the binary as a person would, in a temporary folder of its own.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const LAUNCHER = new URL('../../bin/relaypair.js', import.meta.url).pathname;

export interface PairOptions {
  readonly smartHostPort: number;
  readonly deliver: string;
  readonly acceptedDomains?: readonly string[];
  readonly retry?: string;
  readonly clock?: string;
  /** Goes on in this folder instead of a new one. */
  readonly folder?: string;
}

export interface ReadyPair {
  readonly event: 'ready';
  readonly hub: { readonly pid: number; readonly smtp: string; readonly folder: string };
  readonly edge: { readonly pid: number; readonly smtp: string; readonly ldaps: string; readonly folder: string };
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the binary to its end. */
export function relaypair(parameters: readonly string[], options: { cwd?: string } = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [LAUNCHER, ...parameters],
      { cwd: options.cwd, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      },
    );
  });
}

export class Pair {
  readonly folder: string;
  readonly process: ChildProcess;
  readonly ready: ReadyPair;
  readonly #isOwn: boolean;

  private constructor(folder: string, isOwn: boolean, started: { process: ChildProcess; ready: ReadyPair }) {
    this.folder = folder;
    this.#isOwn = isOwn;
    this.process = started.process;
    this.ready = started.ready;
  }

  static async up(options: PairOptions): Promise<Pair> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'relaypair-'));
    const child = spawn(process.execPath, [LAUNCHER, ...upParameters(folder, options)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Pair(folder, options.folder === undefined, { process: child, ready: await readyOf(child) });
  }

  get hubPort(): number {
    return portOf(this.ready.hub.smtp);
  }

  get edgePort(): number {
    return portOf(this.ready.edge.smtp);
  }

  /** A cmdlet's records. Fails the test when it is refused. */
  async cmdlet(role: 'hub' | 'edge', ...parameters: string[]): Promise<Record<string, unknown>[]> {
    const ran = await this.run(role, ...parameters, '--json');
    if (ran.code !== 0) throw new Error(`${role} ${parameters.join(' ')}: ${ran.stderr}`);
    return ran.stdout.trim() === '' ? [] : (JSON.parse(ran.stdout) as Record<string, unknown>[]);
  }

  run(role: 'hub' | 'edge', ...parameters: string[]): Promise<Ran> {
    return relaypair([role, ...parameters, '--dir', this.folder], { cwd: this.folder });
  }

  /** The decision cards of one side for a message, oldest first. */
  async cards(role: 'hub' | 'edge', ...where: string[]): Promise<Record<string, unknown>[]> {
    return this.cmdlet(role, 'Get-DecisionCard', ...where);
  }

  /** SIGTERM; resolves to the exit code. */
  async stop(): Promise<number | null> {
    if (this.process.exitCode !== null) return this.process.exitCode;
    const ended = new Promise<number | null>((resolve) => {
      this.process.once('exit', (code) => resolve(code));
    });
    this.process.kill('SIGTERM');
    return ended;
  }

  /** Stops it and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    if (this.#isOwn) rmSync(this.folder, { recursive: true, force: true });
  }
}

function upParameters(folder: string, options: PairOptions): string[] {
  return [
    'up',
    ...['--dir', folder, '--hub', '127.0.0.1:0', '--edge', '127.0.0.1:0'],
    ...['--smart-host', `127.0.0.1:${options.smartHostPort}`, '--deliver', options.deliver],
    ...(options.acceptedDomains ?? ['contoso.test']).flatMap((domain) => ['--accepted-domain', domain]),
    ...['--retry', options.retry ?? '300ms'],
    ...(options.clock === undefined ? [] : ['--clock', options.clock]),
  ];
}

function readyOf(child: ChildProcess): Promise<ReadyPair> {
  return new Promise((resolve, reject) => {
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.startsWith('{"event":"ready"')) resolve(JSON.parse(line) as ReadyPair);
      });
    }
    child.once('exit', (code) => reject(new Error(`relaypair up ended with ${code}: ${stderr}`)));
  });
}

function portOf(endpoint: string): number {
  return Number(endpoint.slice(endpoint.lastIndexOf(':') + 1));
}
