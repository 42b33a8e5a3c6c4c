// One half under `relaypair up`: started, waited for, started again when it dies, stopped in order. Its standard input stays
// open as long as we live; a half whose input ends knows that nobody looks after it any more and stops by itself.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Problem } from '../problem.ts';
import { EXIT_IN_USE } from './exit-code.ts';

export interface ChildOptions {
  readonly program: string;
  /** Asked at each start: a clock may have been moved meanwhile. Must not reject. */
  readonly parameters: () => Promise<readonly string[]>;
  readonly logFile: string;
  readonly onRestart: (detail: string) => void;
}

/** What a server prints once it can be used. */
export interface ReadyLine {
  readonly event: 'ready';
  readonly pid: number;
}

const FIRST_DELAY_MS = 200;
const MAX_DELAY_MS = 5000;
/** A predecessor that is still stopping may hold the spool for a while: it is tried so often, half a minute in all. */
const MAX_FIRST_STARTS = 30;
const MAX_FIRST_DELAY_MS = 1000;
const STOP_LIMIT_MS = 20_000;

export class Child {
  readonly #options: ChildOptions;
  readonly #ready = Promise.withResolvers<ReadyLine>();
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #isReady = false;
  #isStopping = false;
  #failures = 0;
  #words: readonly string[] = [];

  constructor(options: ChildOptions) {
    this.#options = options;
    // Somebody may stop before anybody asked whether it is ready.
    this.#ready.promise.catch(() => {});
    void this.#start();
  }

  /** Resolves at the first ready line; rejects with Problem `child-failed` when it cannot be started. */
  ready(): Promise<ReadyLine> {
    return this.#ready.promise;
  }

  /** SIGTERM, then SIGKILL when it takes too long. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#process?.kill('SIGTERM');
    const timer = setTimeout(() => this.#process?.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  async #start(): Promise<void> {
    const { program, parameters, logFile } = this.#options;
    this.#words = await parameters();
    if (this.#isStopping) return;
    const log = openSync(logFile, 'a', 0o600);
    const child = spawn(program, [...this.#words], {
      stdio: ['pipe', 'pipe', log],
      // Ctrl-C reaches every process of the terminal; which half stops first is decided here.
      detached: true,
      env: { ...process.env, RELAYPAIR_WATCH_STDIN: '1' },
    });
    closeSync(log);
    this.#process = child;
    child.stdin?.on('error', () => {});
    if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => this.#read(line));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    child.once('error', (error) => {
      resolve();
      this.#giveUp(error.message);
    });
    child.once('exit', (code, signal) => {
      resolve();
      // A refusal will be the same the next time; only a predecessor that still holds the spool goes away by itself.
      const isHopeless = !this.#isReady && code !== null && code !== EXIT_IN_USE;
      if (isHopeless && !this.#isStopping) this.#giveUp(`exit code ${code}`);
      else this.#ended(signal ?? `exit code ${code}`);
    });
  }

  #read(line: string): void {
    if (!line.startsWith('{"event":"ready"')) return;
    this.#isReady = true;
    this.#failures = 0;
    this.#ready.resolve(JSON.parse(line) as ReadyLine);
  }

  #ended(detail: string): void {
    if (this.#isStopping) return;
    this.#failures++;
    if (!this.#isReady && this.#failures >= MAX_FIRST_STARTS) return this.#giveUp(detail);
    if (this.#isReady) this.#options.onRestart(detail);
    const delayMs = Math.min(this.#isReady ? MAX_DELAY_MS : MAX_FIRST_DELAY_MS, FIRST_DELAY_MS * this.#failures);
    setTimeout(() => {
      if (!this.#isStopping) void this.#start();
    }, delayMs);
  }

  #giveUp(detail: string): void {
    const { logFile } = this.#options;
    const command = `relaypair ${this.#words.slice(1).join(' ')}`;
    const reason = lastSentence(logFile) ?? detail;
    this.#ready.reject(new Problem('child-failed', `"${command}" does not start: ${reason} (see ${logFile})`));
  }
}

/** What a server said last before it ended, if it was a sentence for people. */
function lastSentence(logFile: string): string | undefined {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
  return /^relaypair: (.*)$/.exec(lines.at(-1) ?? '')?.[1];
}
