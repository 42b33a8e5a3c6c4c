// The captures of one process: while it is told to, every connection that begins gets a file of its own, until a limit is
// reached or somebody says so. Whether it may be told at all is not decided here.

import { join } from 'node:path';
import { type Cancel, type Clock, describeClock } from '../clock.ts';
import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import { CaptureFile } from './capture-file.ts';
import { type CaptureSink, SessionCapture } from './session-capture.ts';
import type { Tap, TappedConnection } from './tap.ts';

export interface CaptureLimits {
  /** Of all files together. Reached, it ends the capture; what is written in the same turn may go over it. */
  readonly maxSizeBytes: number;
  /** Real time. */
  readonly maxDurationMs: number;
}

/** What was asked for. The folder is there and private. */
export interface CaptureOrder extends CaptureLimits {
  readonly folder: string;
  /** By the machine's clock. */
  readonly startedAt: Date;
}

/** `size` and `time`: a limit was reached. `disk`: a file could not be written. */
export type StopCause = 'asked' | 'size' | 'time' | 'disk' | 'shutdown';

export interface CaptureCount {
  readonly sizeBytes: number;
  readonly sessions: number;
}

export interface CaptureStatus extends CaptureCount {
  readonly order: CaptureOrder | undefined;
  /** Of the capture that ended last. */
  readonly stopCause: StopCause | undefined;
  /** Sessions whose files are not complete yet. */
  readonly openSessions: number;
}

export interface CapturesOptions {
  readonly server: string;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Tells processes apart that write into one folder. */
  readonly prefix?: string;
  /** Told of all that is written and begun here. */
  readonly onCount?: (count: CaptureCount) => void;
}

/** Longer than that no timer waits. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export class Captures {
  readonly #options: CapturesOptions;
  readonly #open = new Set<SessionCapture>();
  readonly #listeners = new Set<(status: CaptureStatus) => void>();
  #order: CaptureOrder | undefined;
  #stopCause: StopCause | undefined;
  #sizeBytes = 0;
  #sessions = 0;
  #fileCount = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CapturesOptions) {
    this.#options = options;
  }

  get status(): CaptureStatus {
    return {
      order: this.#order,
      stopCause: this.#stopCause,
      sizeBytes: this.#sizeBytes,
      sessions: this.#sessions,
      openSessions: this.#open.size,
    };
  }

  /** Calls `listener` when a capture has begun, and when it has ended. */
  onChange(listener: (status: CaptureStatus) => void): Cancel {
    const own = (status: CaptureStatus): void => listener(status);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Begins; a capture that runs is ended first. */
  start(order: CaptureOrder): void {
    this.stop('asked');
    this.#order = order;
    this.#stopCause = undefined;
    this.#sizeBytes = 0;
    this.#sessions = 0;
    const leftMs = order.startedAt.getTime() + order.maxDurationMs - Date.now();
    this.#timer = setTimeout(() => this.stop('time'), Math.max(0, Math.min(leftMs, MAX_TIMEOUT_MS)));
    this.#timer.unref();
    this.#tell();
  }

  /** Ends the capture, if one runs: the files of sessions that go on are closed where they are, and say so. */
  stop(cause: StopCause): void {
    if (!this.#order) return;
    clearTimeout(this.#timer);
    for (const session of this.#open) {
      session.note(JSON.stringify({ captureStopped: cause }));
      session.finish();
    }
    this.#order = undefined;
    this.#stopCause = cause;
    this.#tell();
  }

  /** Does as another process says that owns the order; undefined: no capture runs. */
  follow(order: CaptureOrder | undefined): void {
    if (order?.startedAt.getTime() === this.#order?.startedAt.getTime()) return;
    if (order) this.start(order);
    else this.stop('asked');
  }

  /** What another process wrote and began on the same order. */
  add({ sizeBytes, sessions }: CaptureCount): void {
    this.#sizeBytes += sizeBytes;
    this.#sessions += sessions;
    // Not in the midst of a session's blocks.
    if (this.#order && this.#sizeBytes >= this.#order.maxSizeBytes) queueMicrotask(() => this.stop('size'));
  }

  /** An OpenTap. */
  readonly tap = (connection: TappedConnection): Tap | undefined => {
    const order = this.#order;
    if (!order) return undefined;
    try {
      return this.#begin(order, connection);
    } catch (error) {
      this.#options.log.error({ session: connection.id, error: messageOf(error) }, 'a session cannot be captured');
      return undefined;
    }
  };

  #begin({ folder }: CaptureOrder, connection: TappedConnection): SessionCapture {
    const { server, version, clock, log } = this.#options;
    let isOver = false;
    let session: SessionCapture | undefined;
    session = new SessionCapture({
      connection,
      sink: this.#watched(CaptureFile.open(join(folder, this.#nameFile(connection)))),
      application: `relaypair ${version}`,
      server,
      movedClock: () => {
        const offset = describeClock(clock);
        return offset === undefined ? undefined : { time: clock.now(), offset };
      },
      onEnd: () => {
        isOver = true;
        if (session) this.#open.delete(session);
      },
    });
    if (!isOver) this.#open.add(session);
    this.#count({ sizeBytes: 0, sessions: 1 });
    log.warn({ session: connection.id, file: session.file }, 'a session is captured, with the secrets of its TLS');
    return session;
  }

  /** In the order in which they began. */
  #nameFile({ protocol, role }: TappedConnection): string {
    this.#fileCount += 1;
    const stamp = new Date().toISOString().replaceAll(/[-:]/g, '').replace(/[T.]/g, '-').replace('Z', '');
    const direction = role === 'server' ? 'in' : 'out';
    return `${stamp}-${this.#options.prefix ?? ''}${this.#fileCount}-${protocol}-${direction}.pcapng`;
  }

  #watched(file: CaptureFile): CaptureSink {
    return {
      file: file.path,
      write: (block) => {
        try {
          file.append(block);
        } catch (error) {
          this.#options.log.error({ file: file.path, error: messageOf(error) }, 'a capture cannot be written');
          queueMicrotask(() => this.stop('disk'));
          return false;
        }
        this.#count({ sizeBytes: block.length, sessions: 0 });
        return true;
      },
      close: () => file.close(),
    };
  }

  #count(count: CaptureCount): void {
    this.add(count);
    this.#options.onCount?.(count);
  }

  #tell(): void {
    const { status } = this;
    for (const listener of this.#listeners) listener(status);
  }
}
