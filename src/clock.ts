// The one clock. Everything that reads time (validity, retries, the 24-hour bootstrap, stamps) asks it; it is handed in,
// never imported as a global. Two readings: `now()` is the date, `elapsedMs()` is time that passed. A jump of the operating
// system's clock changes the first and not the second; a lab move is time that passed and changes both. A laboratory's clock can
// also run faster than the machine's, or stand still. Socket, handshake and SMTP timeouts never use it: they are always real time.

import { PassingSet } from './passing.ts';

/** Cancels what it was returned for; calling it again does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** The date as this server believes it, moved clocks included. */
  now(): Date;
  /** Milliseconds that passed since an arbitrary start: monotonic, follows lab moves, ignores jumps of the system's clock. */
  elapsedMs(): number;
  /** How far the clock is ahead of the machine's by hand, in milliseconds; 0 outside the lab. */
  readonly offsetMs: number;
  /** How many times as fast as the machine's it runs; 1 outside the lab. */
  readonly speed: number;
  /** Runs `task` once `delayMs` of this clock's time have passed. Does not keep the process alive. */
  schedule(delayMs: number, task: () => void): Cancel;
}

/** How a laboratory's clock runs. Clocks on one course show the same time, whenever each of them heard of it. */
export interface ClockCourse {
  /** So far ahead of the machine's clock at `since`, in milliseconds. */
  readonly offsetMs: number;
  /** So many times as fast as the machine's from then on; at 0 it stands still. */
  readonly speed: number;
  /** A date of the machine's clock. */
  readonly since: Date;
}

/** A day in less than a second: beyond, no schedule could be kept. */
export const MAX_CLOCK_SPEED = 100_000;

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

interface Appointment {
  dueMs: number;
  task: () => void;
  timer: NodeJS.Timeout | undefined;
}

/** The operating system's time on a course of its own, which can be changed while the process runs. */
export class SystemClock implements Clock {
  #speed = 1;
  /** The offset at `#sinceMs`, which is monotonic: a jump of the system's clock must not be multiplied. */
  #baseMs: number;
  #sinceMs = 0;
  readonly #appointments = new PassingSet<Appointment>();
  readonly #moveListeners = new Set<() => void>();

  /** `course`: how far ahead in milliseconds, or the whole of it. */
  constructor(course: number | ClockCourse = 0) {
    this.#baseMs = typeof course === 'number' ? course : course.offsetMs;
    if (typeof course !== 'number') this.#steer(course);
  }

  get offsetMs(): number {
    return this.#baseMs + (this.#speed - 1) * (this.#speed === 1 ? 0 : performance.now() - this.#sinceMs);
  }

  get speed(): number {
    return this.#speed;
  }

  /** As another clock can take it over. */
  get course(): ClockCourse {
    return { offsetMs: this.offsetMs, speed: this.#speed, since: new Date() };
  }

  now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }

  elapsedMs(): number {
    return performance.now() + this.offsetMs;
  }

  schedule(delayMs: number, task: () => void): Cancel {
    const appointment: Appointment = { dueMs: this.elapsedMs() + Math.max(0, delayMs), task, timer: undefined };
    this.#appointments.add(appointment);
    this.#arm(appointment);
    return () => {
      clearTimeout(appointment.timer);
      this.#appointments.delete(appointment);
    };
  }

  /** Moves the clock by `byMs`; what has become due on the way runs now. */
  move(byMs: number): void {
    this.#baseMs += byMs;
    this.#announce();
  }

  /** Goes over to `course`; what has become due by it runs now. */
  run(course: ClockCourse): void {
    this.#steer(course);
    this.#announce();
  }

  /** Calls `listener` after each move and each change of course. */
  onMove(listener: () => void): Cancel {
    const own = (): void => listener();
    this.#moveListeners.add(own);
    return () => void this.#moveListeners.delete(own);
  }

  #steer({ offsetMs, speed, since }: ClockCourse): void {
    this.#baseMs = offsetMs;
    this.#speed = speed;
    this.#sinceMs = performance.now() - (Date.now() - since.getTime());
  }

  #announce(): void {
    for (const appointment of this.#appointments) this.#arm(appointment);
    for (const listener of this.#moveListeners) listener();
  }

  #arm(appointment: Appointment): void {
    clearTimeout(appointment.timer);
    const leftMs = Math.max(0, appointment.dueMs - this.elapsedMs());
    // A clock that stands still never comes to what is still to come; its next course arms anew.
    const waitMs = Math.min(MAX_TIMEOUT_MS, leftMs === 0 ? 0 : Math.ceil(leftMs / this.#speed));
    appointment.timer = setTimeout(() => this.#ring(appointment), waitMs);
    appointment.timer.unref();
  }

  #ring(appointment: Appointment): void {
    // A wait longer than setTimeout can hold (24.8 days) is taken in pieces, and its timers may ring a little early.
    if (appointment.dueMs > this.elapsedMs()) return this.#arm(appointment);
    this.#appointments.delete(appointment);
    appointment.task();
  }
}

/** "+400d 02:00:00, at 3600 times the speed" for people; undefined while the clock is the machine's. */
export function describeClock({ offsetMs, speed }: Pick<Clock, 'offsetMs' | 'speed'>): string | undefined {
  if (speed === 1) return describeOffset(offsetMs);
  const pace = speed === 0 ? 'standing still' : `at ${speed} times the speed`;
  return `${describeOffset(offsetMs) ?? '+0d'}, ${pace}`;
}

/** "+400d 02:00:00" for people; undefined for none. */
export function describeOffset(offsetMs: number): string | undefined {
  if (offsetMs === 0) return undefined;
  const totalSeconds = Math.round(Math.abs(offsetMs) / 1000);
  const days = Math.floor(totalSeconds / 86_400);
  const time = [Math.floor(totalSeconds / 3600) % 24, Math.floor(totalSeconds / 60) % 60, totalSeconds % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  return `${offsetMs < 0 ? '-' : '+'}${days}d${time === '00:00:00' ? '' : ` ${time}`}`;
}
