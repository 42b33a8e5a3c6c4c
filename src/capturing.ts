// A server's captures put together: off unless the config or a cmdlet says otherwise, refused outside a laboratory, and loud.

import { join } from 'node:path';
import { CaptureControl, notALaboratory } from './capture/capture-control.ts';
import { Captures, type CaptureStatus } from './capture/captures.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import type { Log } from './log.ts';
import type { EventLog } from './tracking/event-log.ts';
import { createEvent } from './tracking/events.ts';

export interface CapturingOptions {
  readonly config: Config;
  readonly clock: Clock;
  /** Whether this is a laboratory. */
  readonly labClock?: object | undefined;
  readonly log: Log;
  readonly version: string;
}

export interface Capturing {
  readonly captures: Captures;
  readonly captureControl: CaptureControl;
}

/** Throws Problem `not-a-laboratory` for a config that asks for captures where people are served. */
export function refuseCaptures({ config, labClock }: Pick<CapturingOptions, 'config' | 'labClock'>): void {
  if (config.lab.capture && !labClock) throw notALaboratory();
}

/** Begins at once where the config says so. */
export function openCaptures(options: CapturingOptions, events: Pick<EventLog, 'record'>): Capturing {
  const { config, clock, log, version, labClock } = options;
  const captures = new Captures({ server: config.fqdn, version, clock, log });
  captures.onChange((status) => raise(status, events));
  const folder = join(config.folder, 'captures');
  const captureControl = new CaptureControl({ captures, folder, isLab: labClock !== undefined });
  const { capture, maxCaptureSize, maxCaptureDuration } = config.lab;
  if (capture) captureControl.start({ maxSizeBytes: maxCaptureSize, maxDurationMs: maxCaptureDuration });
  return { captures, captureControl };
}

function raise({ order, stopCause, sizeBytes, sessions }: CaptureStatus, events: Pick<EventLog, 'record'>): void {
  if (order) {
    const until = new Date(order.startedAt.getTime() + order.maxDurationMs);
    const { folder, maxSizeBytes } = order;
    events.record(createEvent('CaptureStarted', { folder, until, maxMegabytes: Math.ceil(maxSizeBytes / 2 ** 20) }));
  } else if (stopCause) {
    events.record(createEvent('CaptureStopped', { cause: WORDS[stopCause], sessions, sizeBytes }));
  }
}

const WORDS = {
  asked: 'somebody asked for it',
  size: 'it has reached its size',
  time: 'its time is up',
  disk: 'a file could not be written',
  shutdown: 'the server stops',
} as const;
