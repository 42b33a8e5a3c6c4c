// A process of the bench's own that answers lines with lines.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export class HelperProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  /** `file` stands beside this one. */
  constructor(file: string, ...parameters: string[]) {
    const path = new URL(file, import.meta.url).pathname;
    this.#child = spawn(process.execPath, [path, ...parameters], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next line; rejects when the process has ended. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('a process of the bench ended before its answer');
    return value;
  }

  ask(line = ''): Promise<string> {
    this.#child.stdin.write(`${line}\n`);
    return this.line();
  }

  end(): void {
    this.#child.kill('SIGTERM');
  }
}
