// The server's own log: one JSON object a line, by pino. No secret and no message text goes into it; the message tracking
// log, the event log and the decision cards live in tracking/. A moved clock is stated on every line.

import { pino } from 'pino';
import { type Clock, describeClock } from './clock.ts';

export type Log = pino.Logger;
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogOptions {
  level: LogLevel;
  clock: Clock;
  /** `hub` or `edge`. */
  role: string;
  /** Where lines go; stderr when absent. */
  destination?: pino.DestinationStream | undefined;
}

/** So much waits for a reader of stderr, or for room on the disk that it goes to. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Opens the log. `base: undefined`, since smtp-server writes a field called hostname and pino's would double it. */
export function openLog(options: LogOptions): Log {
  const { clock } = options;
  const destination = options.destination ?? standardError();
  return pino(
    {
      level: options.level,
      base: { role: options.role },
      timestamp: () => `,"time":"${clock.now().toISOString()}"`,
      mixin: () => {
        const clockOffset = describeClock(clock);
        return clockOffset === undefined ? {} : { clockOffset };
      },
    },
    destination,
  );
}

/** Without a listener a full disk behind it would end the process. */
function standardError(): pino.DestinationStream {
  return pino.destination({ dest: 2, sync: true, maxLength: MAX_WAITING_BYTES }).on('error', () => {});
}

/** A log that keeps nothing, for tests and for parts used on their own. */
export function silentLog(): Log {
  return pino({ level: 'silent' });
}
