// Runs the relaypair program: servers that stay and commands that end, each a process of its own, in one folder. A server's
// standard input stays open as long as we live, so that none is left behind when we are killed.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Role } from '../config.ts';
import { PACKAGE_FOLDER } from '../package-folder.ts';
import { Problem } from '../problem.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const LAUNCHER = join(PACKAGE_FOLDER, 'bin/relaypair.js');
const STOP_LIMIT_MS = 60_000;

export class Binary {
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #servers = new Map<Role, RunningProcess>();

  /** Everything is typed in `folder`; when `signal` aborts, commands that run are ended. */
  constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
  }

  /** Runs a command to its end. Rejects only when it cannot be started or `signal` aborts. */
  run(words: readonly string[]): Promise<Ran> {
    const options = {
      cwd: this.#folder,
      env: environment(this.#folder),
      signal: this.#signal,
      maxBuffer: 64 * 1024 * 1024,
    };
    return new Promise((resolve, reject) => {
      execFile(process.execPath, [LAUNCHER, ...words], options, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error);
        else resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
      });
    });
  }

  /** Starts the server of `role` and waits for its ready line; throws Problem `server-failed` when it ends instead. */
  async start(role: Role, words: readonly string[]): Promise<string> {
    this.#signal.throwIfAborted();
    const server = new RunningProcess(words, { folder: this.#folder, logFile: join(this.#folder, `${role}.log`) });
    this.#servers.set(role, server);
    return server.ready;
  }

  /** Ends the server in order; throws Problem `server-failed` when it does not end in order. */
  async stop(role: Role): Promise<void> {
    const server = this.#servers.get(role);
    this.#servers.delete(role);
    await server?.stop();
  }

  /** Stops whatever still runs, in order or not. */
  async stopAll(): Promise<void> {
    await Promise.allSettled([...this.#servers.keys()].map((role) => this.stop(role)));
  }
}

/** A server that stays, until it is stopped, killed, or we are gone. */
export class RunningProcess {
  /** The line that says the server can be used. */
  readonly ready: Promise<string>;
  readonly #words: readonly string[];
  readonly #process: ChildProcess;
  /** How it ended; undefined: in order. */
  readonly #exited: Promise<string | undefined>;

  constructor(words: readonly string[], where: { folder: string; logFile: string }) {
    this.#words = words;
    const log = openSync(where.logFile, 'a', 0o600);
    this.#process = spawn(process.execPath, [LAUNCHER, ...words], {
      cwd: where.folder,
      stdio: ['pipe', 'pipe', log],
      env: { ...environment(where.folder), RELAYPAIR_WATCH_STDIN: '1' },
    });
    closeSync(log);
    this.#process.stdin?.on('error', () => {});
    this.#exited = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(error.message));
      this.#process.once('exit', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit code ${code}`)));
    });
    const failed = this.#exited.then((how) => Promise.reject(failure(words, how ?? 'exit code 0')));
    this.ready = Promise.race([this.#readyLine(), failed]);
    // It may end, as it should, long after anybody waits for it to be ready.
    this.ready.catch(() => {});
  }

  async stop(): Promise<void> {
    // Unlike a second SIGINT beside the terminal's own, this never cuts short a stop that is under way.
    this.#process.stdin?.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_LIMIT_MS);
    const how = await this.#exited;
    clearTimeout(timer);
    if (how !== undefined) throw failure(this.#words, how);
  }

  /** At once, as by a power cut. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  #readyLine(): Promise<string> {
    return new Promise((resolve) => {
      if (!this.#process.stdout) return;
      createInterface({ input: this.#process.stdout }).on('line', (line) => {
        if (line.startsWith('{"event":"ready"')) resolve(line);
      });
    });
  }
}

function failure(words: readonly string[], how: string): Problem {
  return new Problem('server-failed', `"relaypair ${words.join(' ')}" ended with ${how}: see its log in the folder`);
}

/** What the person has set for servers of their own is not for these. Half of a short command's time is the compiler's. */
function environment(folder: string): NodeJS.ProcessEnv {
  const { RELAYPAIR_DIR: _, ...rest } = process.env;
  return { NODE_COMPILE_CACHE: join(folder, '.compiled'), ...rest };
}
