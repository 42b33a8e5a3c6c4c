// A real pair under `relaypair up`, driven through the binary as a person would, in a temporary folder of its own.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { OutputRecord } from '../../src/cmdlets/output.ts';
import { callCmdlet } from '../../src/control/client.ts';
import { controlSocketPath } from '../../src/control/socket-path.ts';
import { freePort } from './free-port.ts';

const LAUNCHER = new URL('../../bin/relaypair.js', import.meta.url).pathname;

export interface PairOptions {
  /** Without one, DNS or the world of `relaypair up` itself. */
  readonly smartHostPort?: number;
  readonly deliver?: string;
  readonly acceptedDomains?: readonly string[];
  readonly retry?: string;
  readonly clock?: string;
  /** Both servers record their sessions. */
  readonly capture?: boolean;
  /** Both servers serve their page, and the laboratory can be commanded. */
  readonly page?: boolean;
  /** The world and the mailboxes are those of `relaypair up`. */
  readonly world?: boolean;
  readonly unsubscribed?: boolean;
  /** Goes on in this folder instead of a new one, and leaves it there. */
  readonly folder?: string;
}

export interface ReadyPair {
  readonly event: 'ready';
  readonly folder: string;
  readonly clock?: string;
  readonly page?: string;
  readonly hub: { readonly pid: number; readonly smtp: string; readonly folder: string };
  readonly edge: { readonly pid: number; readonly smtp: string; readonly ldaps: string; readonly folder: string };
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the binary to its end. */
export function relaypair(
  parameters: readonly string[],
  options: { cwd?: string /** What is typed. */; input?: string } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [LAUNCHER, ...parameters],
      { cwd: options.cwd, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
      },
    );
    if (options.input !== undefined) child.stdin?.end(options.input);
  });
}

interface Started {
  readonly process: ChildProcess;
  readonly ready: ReadyPair;
  readonly said: Said;
}

export class Pair {
  readonly folder: string;
  readonly process: ChildProcess;
  readonly ready: ReadyPair;
  readonly #said: Said;
  readonly #isOwn: boolean;

  private constructor(folder: string, isOwn: boolean, started: Started) {
    this.folder = folder;
    this.#isOwn = isOwn;
    this.process = started.process;
    this.ready = started.ready;
    this.#said = started.said;
  }

  static async up(options: PairOptions): Promise<Pair> {
    const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'relaypair-'));
    // Its input ends with this process, and it with its input: a test that is cut off leaves nothing running.
    const child = spawn(process.execPath, [LAUNCHER, ...(await upParameters(folder, options))], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, RELAYPAIR_WATCH_STDIN: '1' },
    });
    child.stdin?.on('error', () => {});
    const said = new Said(child);
    try {
      const ready = JSON.parse(await said.waitFor((line) => line.startsWith('{"event":"ready"'))) as ReadyPair;
      return new Pair(folder, options.folder === undefined, { process: child, ready, said });
    } catch (error) {
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
      throw error;
    }
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

  /** The same straight over the control socket: many times faster than a command, for tests that ask often. */
  async ask(
    role: 'hub' | 'edge',
    cmdlet: string,
    parameters: Record<string, string> = {},
  ): Promise<readonly OutputRecord[]> {
    const texts = Object.fromEntries(Object.entries(parameters).map(([key, value]) => [key, [value]]));
    const place = controlSocketPath(this.ready[role].folder);
    const request = { cmdlet, parameters: texts };
    return (await callCmdlet(place, request, { startCommand: 'relaypair up' })).records;
  }

  run(role: 'hub' | 'edge', ...parameters: string[]): Promise<Ran> {
    return relaypair([role, ...parameters, '--dir', this.folder], { cwd: this.folder });
  }

  /** The decision cards of one side for a message, oldest first. */
  async cards(role: 'hub' | 'edge', ...where: string[]): Promise<Record<string, unknown>[]> {
    return this.cmdlet(role, 'Get-DecisionCard', ...where);
  }

  /** The next line that `relaypair up` says and that `isIt` recognises, on whichever stream; those before are forgotten. */
  waitForLine(isIt: (line: string) => boolean): Promise<string> {
    return this.#said.waitFor(isIt);
  }

  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** SIGKILL, to `relaypair up` alone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const { exitCode, signalCode } = this.process;
    if (exitCode !== null || signalCode !== null) return exitCode;
    const ended = new Promise<number | null>((resolve) => {
      this.process.once('exit', (code) => resolve(code));
    });
    this.process.kill(signal);
    return ended;
  }

  /** Stops it and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    if (this.#isOwn) rmSync(this.folder, { recursive: true, force: true });
  }
}

async function upParameters(folder: string, options: PairOptions): Promise<string[]> {
  return [
    'up',
    ...['--dir', folder, '--hub', `127.0.0.1:${await freePort()}`, '--edge', `127.0.0.1:${await freePort()}`],
    ...(options.smartHostPort === undefined ? [] : ['--smart-host', `127.0.0.1:${options.smartHostPort}`]),
    ...(options.deliver === undefined ? [] : ['--deliver', options.deliver]),
    ...(options.acceptedDomains ?? ['contoso.test']).flatMap((domain) => ['--accepted-domain', domain]),
    ...['--retry', options.retry ?? '300ms'],
    ...(options.clock === undefined ? [] : ['--clock', options.clock]),
    ...(['capture', 'page', 'world', 'unsubscribed'] as const)
      .filter((name) => options[name] === true)
      .map((name) => `--${name}`),
  ];
}

/** What a running `relaypair up` says, line by line. */
class Said {
  readonly #lines: string[] = [];
  readonly #all: string[] = [];
  #isOver = false;
  #wake: () => void = () => {};

  constructor(child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#take(line));
    }
    child.once('close', () => {
      this.#isOver = true;
      this.#wake();
    });
  }

  async waitFor(isIt: (line: string) => boolean): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined && isIt(line)) return line;
      if (line !== undefined) continue;
      if (this.#isOver) throw new Error(`relaypair up has ended: ${this.#all.join(' | ')}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(line: string): void {
    this.#lines.push(line);
    this.#all.push(line);
    this.#wake();
  }
}

function portOf(endpoint: string): number {
  return Number(endpoint.slice(endpoint.lastIndexOf(':') + 1));
}
