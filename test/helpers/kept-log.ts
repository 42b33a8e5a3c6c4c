// A log that keeps its lines, for tests of what is logged and what is not.

import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Log } from '../../src/log.ts';

export interface KeptLog {
  readonly log: Log;
  /** As they came, each one JSON object. */
  readonly lines: readonly string[];
}

export function keptLog(): KeptLog {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk).trimEnd());
      done();
    },
  });
  return { log: pino({ level: 'debug' }, stream), lines };
}
