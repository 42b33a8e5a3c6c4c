// A clock that stands still until a test moves it. What was scheduled rings while it is moved, in the order of its times,
// with the clock at that very time.

import type { Cancel, Clock } from '../../src/clock.ts';

interface Appointment {
  readonly dueMs: number;
  readonly task: () => void;
}

export class HandClock implements Clock {
  readonly offsetMs = 0;
  readonly speed = 1;
  readonly #startMs: number;
  #elapsedMs = 0;
  #jumpMs = 0;
  #appointments: Appointment[] = [];

  constructor(start = new Date('2026-01-01T00:00:00.000Z')) {
    this.#startMs = start.getTime();
  }

  now(): Date {
    return new Date(this.#startMs + this.#elapsedMs + this.#jumpMs);
  }

  elapsedMs(): number {
    return this.#elapsedMs;
  }

  schedule(delayMs: number, task: () => void): Cancel {
    const appointment = { dueMs: this.#elapsedMs + Math.max(0, delayMs), task };
    this.#appointments.push(appointment);
    return () => {
      this.#appointments = this.#appointments.filter((each) => each !== appointment);
    };
  }

  /** How many appointments there are. */
  get appointments(): number {
    return this.#appointments.length;
  }

  /** Lets time pass. */
  advance(byMs: number): void {
    const endMs = this.#elapsedMs + byMs;
    for (;;) {
      const [next] = this.#appointments.toSorted((a, b) => a.dueMs - b.dueMs);
      if (!next || next.dueMs > endMs) break;
      this.#appointments = this.#appointments.filter((each) => each !== next);
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.task();
    }
    this.#elapsedMs = endMs;
  }

  /** The operating system's clock is set to another time: the date changes, no time passes. */
  jump(byMs: number): void {
    this.#jumpMs += byMs;
  }
}
