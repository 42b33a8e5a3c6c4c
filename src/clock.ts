// The one clock. Everything that reads time (validity, retries, the 24-hour bootstrap, stamps) asks it; it is handed in,
// never imported as a global. Two readings: `now()` is the date, `elapsedMs()` is time that passed. A jump of the operating
// system's clock changes the first and not the second; a lab move is time that passed and changes both.
// Socket, handshake and SMTP timeouts never use it: they are always real time.

/** Cancels what it was returned for; calling it again does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** The date as this server believes it, moved clocks included. */
  now(): Date;
  /** Milliseconds that passed since an arbitrary start: monotonic, follows lab moves, ignores jumps of the system's clock. */
  elapsedMs(): number;
  /** How far the clock was moved by hand, in milliseconds; 0 outside the lab. */
  readonly offsetMs: number;
  /** Runs `task` once `delayMs` of this clock's time have passed. Does not keep the process alive. */
  schedule(delayMs: number, task: () => void): Cancel;
}

const MAX_TIMEOUT_MS = 2 ** 31 - 1;

interface Appointment {
  dueMs: number;
  task: () => void;
  timer: NodeJS.Timeout | undefined;
}

/** The operating system's time plus an offset that can be moved while the process runs. */
export class SystemClock implements Clock {
  #offsetMs: number;
  readonly #appointments = new Set<Appointment>();
  readonly #moveListeners = new Set<() => void>();

  constructor(offsetMs = 0) {
    this.#offsetMs = offsetMs;
  }

  get offsetMs(): number {
    return this.#offsetMs;
  }

  now(): Date {
    return new Date(Date.now() + this.#offsetMs);
  }

  elapsedMs(): number {
    return performance.now() + this.#offsetMs;
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
    this.#offsetMs += byMs;
    for (const appointment of this.#appointments) this.#arm(appointment);
    for (const listener of this.#moveListeners) listener();
  }

  /** Calls `listener` after each move. */
  onMove(listener: () => void): Cancel {
    const own = (): void => listener();
    this.#moveListeners.add(own);
    return () => void this.#moveListeners.delete(own);
  }

  #arm(appointment: Appointment): void {
    clearTimeout(appointment.timer);
    const waitMs = Math.min(MAX_TIMEOUT_MS, Math.max(0, Math.ceil(appointment.dueMs - this.elapsedMs())));
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

/** "+400d 02:00:00" for people; undefined while the clock was not moved. */
export function describeOffset(offsetMs: number): string | undefined {
  if (offsetMs === 0) return undefined;
  const totalSeconds = Math.round(Math.abs(offsetMs) / 1000);
  const days = Math.floor(totalSeconds / 86_400);
  const time = [Math.floor(totalSeconds / 3600) % 24, Math.floor(totalSeconds / 60) % 60, totalSeconds % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  return `${offsetMs < 0 ? '-' : '+'}${days}d${time === '00:00:00' ? '' : ` ${time}`}`;
}
