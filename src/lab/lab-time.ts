// The clock of a laboratory of one process, as its user moves it: both servers at once, in steps that let happen what is due.

import type { SystemClock } from '../clock.ts';
import { type AskServer, moveLabClocks, steerLabClocks } from '../control/lab-clocks.ts';
import { parseDuration } from '../duration.ts';
import { Problem } from '../problem.ts';

export interface TimeOptions {
  /** False: that EdgeSync fails meanwhile is no failure here. */
  readonly isEdgeSyncNeeded?: boolean;
}

export class LabTime {
  readonly #clock: SystemClock;
  readonly #ask: AskServer;

  constructor(clock: SystemClock, ask: AskServer) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** What the servers believe. */
  now(): Date {
    return this.#clock.now();
  }

  /** Ahead of the machine's clock, in milliseconds. */
  get offsetMs(): number {
    return this.#clock.offsetMs;
  }

  get speed(): number {
    return this.#clock.speed;
  }

  /** Lets so much time pass: "400d", "1h30m" or milliseconds. Throws Problem `bad-duration`, and as `moveTo` does. */
  async advance(time: string | number, options?: TimeOptions): Promise<void> {
    const byMs = typeof time === 'number' ? time : parseDuration(time);
    await this.moveTo(new Date(this.now().getTime() + byMs), options);
  }

  /**
   * Lets time pass until a date, with a synchronization after each step; one in the past is a clock that is set anew. Throws Problem
   * `time-lost` when the time has passed and EdgeSync failed on the way.
   */
  async moveTo(date: Date, { isEdgeSyncNeeded = true }: TimeOptions = {}): Promise<void> {
    const failures: string[] = [];
    const fromMs = this.#clock.offsetMs;
    await moveLabClocks(this.#ask, {
      fromMs,
      toMs: Math.round(fromMs + date.getTime() - this.now().getTime()),
      onFailure: (sentence) => failures.push(sentence),
    });
    const [failure] = failures;
    if (failure !== undefined && isEdgeSyncNeeded)
      throw new Problem('time-lost', `the time passed, but EdgeSync failed on the way: ${failure}`);
  }

  /** From now on so many times as fast as the machine's clock; 0 stops it. */
  async run(speed: number): Promise<void> {
    await steerLabClocks(this.#ask, { speed });
  }
}
