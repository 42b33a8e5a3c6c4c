// Starts spool-child.ts and listens to it; the one thing it does is to be killed at a chosen moment.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('spool-child.ts', import.meta.url));

export interface SpoolProcess {
  readonly pid: number;
  /** Every line so far, those in the pipe at the time of death included. */
  readonly lines: readonly string[];
  readonly stderr: string;
  /** The first line after the first `skip` ones that begins with the word; rejects when the process ends before. */
  waitFor(word: string, skip?: number): Promise<string>;
  /** Resolves once there are `count` lines, or the one that is its last, or the process has ended. */
  waitForLines(count: number, last?: string): Promise<void>;
  tell(line: string): void;
  /** SIGKILL; resolves when the process is gone and all its lines were read. */
  kill(): Promise<void>;
  /** Waits for its own end; resolves with the exit code. */
  ended(): Promise<number | null>;
}

/** Runs spool-child.ts, `under` another command if one is given; it ends by itself when this process does. */
export function startSpoolProcess(args: readonly string[], under: readonly string[] = []): SpoolProcess {
  const [command = '', ...rest] = [...under, process.execPath, PROGRAM, ...args];
  const child = spawn(command, rest, { stdio: 'pipe' });
  const heard = new Heard(child);
  const closed = once(child, 'close') as Promise<[number | null]>;
  return {
    pid: child.pid ?? 0,
    get lines() {
      return heard.lines;
    },
    get stderr() {
      return heard.stderr;
    },
    waitFor: async (word, skip = 0) => {
      const find = () => heard.lines.slice(skip).find((line) => line.startsWith(word));
      await heard.until(() => find() !== undefined);
      const line = find();
      if (line === undefined) throw new Error(`the process ended without saying "${word}": ${heard.stderr}`);
      return line;
    },
    waitForLines: (count, last) =>
      heard.until(() => heard.lines.length >= count || (last !== undefined && heard.lines.includes(last))),
    tell: (line) => void child.stdin.write(`${line}\n`),
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
    },
    ended: async () => (await closed)[0],
  };
}

class Heard {
  readonly lines: string[] = [];
  stderr = '';
  #rest = '';
  #ended = false;
  #wake: () => void = () => undefined;

  constructor(child: ChildProcessWithoutNullStreams) {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (this.#rest + text).split('\n');
      this.#rest = parts.pop() ?? '';
      this.lines.push(...parts);
      this.#wake();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    child.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition() && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
