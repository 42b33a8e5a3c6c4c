// The clock that the two servers of `relaypair up` share. A pair that has run before starts where it last stood and goes on from
// there in steps, so that a year with --clock +400d is a year that passed; a new one starts at the time that was asked for. A half
// that is started again meanwhile takes the clock of the other half, whoever moved that.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClockCourse, describeOffset } from '../clock.ts';
import type { Role } from '../config.ts';
import { type AskServer, moveLabClocks, readLabClock, steerLabClocks } from '../control/lab-clocks.ts';
import { formatClockCourse } from '../duration.ts';
import { isProblem } from '../problem.ts';
import { writeFileDurably } from '../storage/files.ts';

export interface PairClockOptions {
  readonly dir: string;
  readonly wanted: ClockCourse;
  readonly ask: AskServer;
}

/** Owns the file that says where the clock last stood. */
export class PairClock {
  readonly #file: string;
  readonly #wanted: ClockCourse;
  readonly #ask: AskServer;
  #offsetMs: number;

  /** To be asked before the servers are started, which make their folders. */
  static open({ dir, wanted, ask }: PairClockOptions): PairClock {
    const file = join(dir, 'clock.json');
    const lastMs = existsSync(join(dir, 'hub')) ? readOffset(file) : wanted.offsetMs;
    // Time does not run backwards: that is a clock set anew, and what has expired meanwhile is not.
    return new PairClock({ wanted, ask }, file, Math.min(lastMs, wanted.offsetMs));
  }

  private constructor(options: Omit<PairClockOptions, 'dir'>, file: string, offsetMs: number) {
    this.#wanted = options.wanted;
    this.#ask = options.ask;
    this.#file = file;
    this.#offsetMs = offsetMs;
  }

  /** How the server of `role` is started so that it has this clock. */
  async parameters(role: Role): Promise<readonly string[]> {
    const course = await this.#courseOf(role === 'hub' ? 'edge' : 'hub');
    const isMoved = course.offsetMs !== 0 || course.speed !== 1;
    return ['--lab', ...(isMoved ? ['--clock', formatClockCourse(course)] : [])];
  }

  /** Takes both servers to the time that was asked for. */
  async goOn(onProgress: (text: string) => void): Promise<void> {
    const { offsetMs: toMs, speed } = this.#wanted;
    await moveLabClocks(this.#ask, {
      fromMs: this.#offsetMs,
      toMs,
      onStep: (offsetMs) => {
        onProgress(`both clocks stand at ${describeOffset(offsetMs) ?? 'the time of the machine'}`);
        this.#save(offsetMs);
      },
      onFailure: (sentence) => onProgress(`EdgeSync: ${sentence}`),
    });
    if (speed !== 1) await steerLabClocks(this.#ask, { speed });
    this.#save(this.#offsetMs);
  }

  /** To be asked while the servers still run: from there the next run goes on. */
  async remember(): Promise<void> {
    const { offsetMs } = await this.#courseOf('hub');
    this.#save(offsetMs);
  }

  /** Of a server that does not answer nothing better is known than where the clock last stood. */
  async #courseOf(role: Role): Promise<ClockCourse> {
    try {
      return await readLabClock(this.#ask, role);
    } catch (error) {
      if (!isProblem(error)) throw error;
      return { offsetMs: this.#offsetMs, speed: 1, since: new Date() };
    }
  }

  #save(offsetMs: number): void {
    this.#offsetMs = Math.round(offsetMs);
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
