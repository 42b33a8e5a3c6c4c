// The lines that were typed into the interactive shell, kept for the next time in a file of the person's own, one line each.
// Lines that hold a secret are not kept; a file that cannot be read or written costs the history and nothing else.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Terminal } from './terminal.ts';

const MAX_LINES = 500;

/** Newest first, as readline has it. */
export class History {
  readonly #file: string | undefined;
  #lines: string[];

  /** Below XDG_STATE_HOME or ~/.local/state, as the XDG Base Directory Specification has it; without a home nothing is kept. */
  static open({ env }: Pick<Terminal, 'env'>): History {
    const base =
      env['XDG_STATE_HOME'] ?? (env['HOME'] === undefined ? undefined : join(env['HOME'], '.local', 'state'));
    return new History(base === undefined || base === '' ? undefined : join(base, 'relaypair', 'history'));
  }

  private constructor(file: string | undefined) {
    this.#file = file;
    this.#lines = file === undefined ? [] : readLines(file);
  }

  get lines(): string[] {
    return [...this.#lines];
  }

  /** Takes note of a line and writes the file. */
  add(line: string): void {
    if (line.trim() === '' || line === this.#lines[0] || holdsSecret(line)) return;
    this.#lines = [line, ...this.#lines].slice(0, MAX_LINES);
    if (this.#file !== undefined) writeLines(this.#file, this.#lines);
  }
}

/** A parameter of which the name says that it is secret. */
function holdsSecret(line: string): boolean {
  return /-\w*(?:password|secret|token)(?!file)/i.test(line);
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .slice(-MAX_LINES)
      .toReversed();
  } catch {
    return [];
  }
}

function writeLines(file: string, lines: readonly string[]): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, `${lines.toReversed().join('\n')}\n`, { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    // A read-only home is no reason to stop.
  }
}
