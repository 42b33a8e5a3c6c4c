// The clock that the two servers of `relaypair up` share. A pair that has run before starts where it last stood and goes on from
// there in steps, so that a year with --clock +400d is a year that passed; a new one starts at the time that was asked for.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeOffset } from '../clock.ts';
import { type AskServer, formatOffset, moveLabClocks } from '../control/lab-clocks.ts';
import { writeFileDurably } from '../storage/files.ts';

/** Owns the file that says where the clock last stood. */
export class PairClock {
  readonly #file: string;
  readonly #wantedMs: number;
  #offsetMs: number;

  /** To be asked before the servers are started, which make their folders. */
  static open(dir: string, wantedMs: number): PairClock {
    const file = join(dir, 'clock.json');
    const lastMs = existsSync(join(dir, 'hub')) ? readOffset(file) : wantedMs;
    // Time does not run backwards: that is a clock set anew, and what has expired meanwhile is not.
    return new PairClock(file, wantedMs, Math.min(lastMs, wantedMs));
  }

  private constructor(file: string, wantedMs: number, offsetMs: number) {
    this.#file = file;
    this.#wantedMs = wantedMs;
    this.#offsetMs = offsetMs;
  }

  /** How a server is started so that it has this clock. */
  parameters(): readonly string[] {
    return ['--lab', ...(this.#offsetMs === 0 ? [] : ['--clock', formatOffset(this.#offsetMs)])];
  }

  /** Takes both servers to the time that was asked for. */
  async goOn({ ask, onProgress }: { ask: AskServer; onProgress: (text: string) => void }): Promise<void> {
    await moveLabClocks(ask, {
      fromMs: this.#offsetMs,
      toMs: this.#wantedMs,
      onStep: (offsetMs) => {
        this.#offsetMs = offsetMs;
        onProgress(`both clocks stand at ${describeOffset(offsetMs) ?? 'the time of the machine'}`);
        this.#save();
      },
      onFailure: (sentence) => onProgress(`EdgeSync: ${sentence}`),
    });
    this.#save();
  }

  #save(): void {
    writeFileDurably(this.#file, `${JSON.stringify({ format: 1, offsetMs: this.#offsetMs })}\n`);
  }
}

/** 0, the time of the machine, when there is no file or none that can be read. */
function readOffset(file: string): number {
  try {
    const { offsetMs } = JSON.parse(readFileSync(file, 'utf8')) as { offsetMs?: unknown };
    return typeof offsetMs === 'number' && Number.isFinite(offsetMs) ? offsetMs : 0;
  } catch {
    return 0;
  }
}
