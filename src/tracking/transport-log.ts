// What the tracking logs have in common: the folder's limits and the header Exchange begins its transport logs with.

import { type Clock, describeClock } from '../clock.ts';
import type { Log } from '../log.ts';
import type { LogLimits } from '../storage/log-files.ts';
import { RotatingLog } from '../storage/rotating-log.ts';

export interface TransportLogOptions extends LogLimits {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The product's version, for the header. */
  readonly version: string;
  /** 10 MiB when absent. */
  readonly maxFileSizeBytes?: number;
}

export interface TransportLogKind {
  readonly prefix: string;
  /** As the header names it: "Message Tracking Log". */
  readonly type: string;
  /** Column names, or "json" for a log of JSON lines. */
  readonly fields: readonly string[];
}

/** Opens the files of one kind of log. */
export function openTransportLog(options: TransportLogOptions, kind: TransportLogKind): RotatingLog {
  const header = (begun: Date): string[] => [
    '#Software: relaypair',
    `#Version: ${options.version}`,
    `#Log-Type: ${kind.type}`,
    `#Date: ${begun.toISOString()}`,
    ...movedLine(options.clock),
    `#Fields: ${kind.fields.join(',')}`,
  ];
  return new RotatingLog({ ...options, prefix: kind.prefix, header });
}

/** In a laboratory: how far the file's dates are from the machine's. */
function movedLine(clock: Clock): string[] {
  const moved = describeClock(clock);
  return moved === undefined ? [] : [`#Clock: moved ${moved}`];
}
