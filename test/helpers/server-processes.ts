// Servers as real processes, each from a config file and a data folder of its own in one temporary folder, and the ways to
// talk to them. Which servers there are and what their configs say is the caller's affair (servers.ts, site.ts).

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { CmdletOutput, OutputRecord } from '../../src/cmdlets/output.ts';
import { callCmdlet } from '../../src/control/client.ts';
import { controlSocketPath } from '../../src/control/socket-path.ts';
import { ENGINE_FLAGS } from '../../src/server-runtime.ts';
import { relaypair, type Ran } from './pair.ts';

const LAUNCHER = new URL('../../bin/relaypair.js', import.meta.url).pathname;

export type Role = 'hub' | 'edge';

/** Retries that follow at once. */
export const QUICK_RETRY = { glitchCount: 0, transientCount: 0, outboundInterval: '300ms', messageInterval: '300ms' };

/** One process, whatever the machine; any test of servers can be run with workers: TEST_WORKERS=2 npx vitest run test/integration. */
const EVERYWHERE = { workers: Number(process.env['TEST_WORKERS'] ?? 0) };

/**
 * With one of its flags a server does not begin anew with all of them (src/server-runtime.ts): they make a start half as dear again, and
 * what they are good for comes after thousands of messages. What `relaypair up` and the lab start has them.
 */
const ONE_ENGINE_FLAG = ENGINE_FLAGS.slice(0, 1);

/** Nobody is asked for names on the Internet, and what DNS would say of them waits. */
export const NO_NAME_SERVER = { servers: ['127.0.0.1:1'] };

/** How a server is started, where that is not plainly. */
export interface Launch {
  /** A command that runs it, such as strace with its options. */
  readonly under?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Its clock can be moved while it runs. */
  readonly isLab?: boolean;
  /** The path of a program that was built, in place of the sources; it has all of its engine's flags. */
  readonly program?: string;
}

/** Owns the folder and the processes. A server is known by its data folder's name, which is its config file's too. */
export class ServerProcesses {
  readonly folder = mkdtempSync(join(tmpdir(), 'relaypair-'));
  readonly #roles = new Map<string, Role>();
  readonly #processes = new Map<string, ChildProcess>();

  /** Writes NAME.yaml; read at the server's next start. */
  configure(name: string, config: Readonly<Record<string, unknown>> & { readonly role: Role }): void {
    this.#roles.set(name, config.role);
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(join(this.folder, `${name}.yaml`), JSON.stringify({ folder: name, ...EVERYWHERE, ...config }));
  }

  /** Starts a server and waits for its ready line; rejects when it ends before. */
  async start(name: string, clock?: string, launch: Launch = {}): Promise<void> {
    const words = [
      ...[...(launch.under ?? []), process.execPath],
      ...(launch.program === undefined ? [...ONE_ENGINE_FLAG, LAUNCHER] : [launch.program]),
      ...[this.#role(name), '--config', `${name}.yaml`],
      ...(clock === undefined ? [] : ['--clock', clock]),
      ...(launch.isLab === true ? ['--lab'] : []),
    ];
    const child = spawn(words[0] ?? '', words.slice(1), {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...launch.environment },
    });
    this.#processes.set(name, child);
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = `${stderr}${chunk.toString()}`.slice(-20_000);
    });
    await new Promise<void>((resolve, reject) => {
      if (child.stdout) createInterface({ input: child.stdout }).once('line', () => resolve());
      child.once('exit', (code) => reject(new Error(`${name} ended with ${code}: ${stderr}`)));
    });
  }

  pid(name: string): number {
    return this.#processes.get(name)?.pid ?? 0;
  }

  async stop(name: string, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#processes.get(name);
    this.#processes.delete(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill(signal);
    await ended;
  }

  run(name: string, ...parameters: string[]): Promise<Ran> {
    return relaypair([this.#role(name), ...parameters, '--config', join(this.folder, `${name}.yaml`)], {
      cwd: this.folder,
    });
  }

  /** A cmdlet's records; fails when it is refused. */
  async cmdlet(name: string, ...parameters: string[]): Promise<Record<string, unknown>[]> {
    const ran = await this.run(name, ...parameters, '--json');
    if (ran.code !== 0) throw new Error(`${name} ${parameters.join(' ')}: ${ran.stderr}`);
    return ran.stdout.trim() === '' ? [] : (JSON.parse(ran.stdout) as Record<string, unknown>[]);
  }

  /** The same straight over the control socket: many times faster than a command, for tests that ask often. */
  async ask(name: string, cmdlet: string, parameters: Record<string, string> = {}): Promise<readonly OutputRecord[]> {
    const { records } = await this.call(name, cmdlet, parameters);
    return records;
  }

  /** The whole answer over the control socket. `files` are those that the cmdlet reads, by their parameter. */
  call(
    name: string,
    cmdlet: string,
    parameters: Record<string, string> = {},
    files: Record<string, Buffer> = {},
  ): Promise<CmdletOutput> {
    const texts = Object.entries(parameters).map(([key, value]) => [key, [value]]);
    const contents = Object.entries(files).map(([key, content]) => [key, { name: key, content }]);
    return callCmdlet(
      controlSocketPath(join(this.folder, name)),
      {
        cmdlet,
        parameters: Object.fromEntries([...texts, ...Object.keys(files).map((key) => [key, [key]])]),
        files: Object.fromEntries(contents),
      },
      { startCommand: `relaypair ${this.#role(name)}` },
    );
  }

  /** The decision cards that a server has written so far, oldest first. */
  cards(name: string): Record<string, unknown>[] {
    return readLogs(join(this.folder, name, 'logs'), 'CARD').map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#processes.keys()].map((name) => this.stop(name)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #role(name: string): Role {
    const role = this.#roles.get(name);
    if (!role) throw new Error(`${name} was not configured`);
    return role;
  }
}

function readLogs(folder: string, prefix: string): string[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder)
      .filter((name) => name.startsWith(prefix))
      .toSorted();
  } catch {
    return [];
  }
  return names.flatMap((name) =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}')),
  );
}

/** Waits until `look` gives something, asking again and again; a condition, not a time, ends it. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  timeoutMs = 60_000,
): Promise<T> {
  const limit = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > limit) throw new Error(`${what} did not come about`);
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}
