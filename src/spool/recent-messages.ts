// Messages that were stored a moment ago and are in memory still: most leave at once, and need not be read and checked again.
// Those that came first leave first, so that when the room is used up new ones stay out, and one that waits goes after a while.
// Dropping an entry is always right.

import { PassingMap } from '../passing.ts';
import type { StoredBody } from './body-intake.ts';
import type { SpooledMessage } from './spool.ts';

/** A message as it was stored: nothing of it has changed since. */
export interface RecentMessage {
  readonly message: SpooledMessage;
  readonly body: StoredBody;
}

interface Entry extends RecentMessage {
  readonly untilMs: number;
}

const MAX_MESSAGES = 1000;
const MAX_BYTES = 8 * 1024 * 1024;
const LIFE_MS = 5000;

export class RecentMessages {
  readonly #entries = new PassingMap<number, Entry>();
  #sizeBytes = 0;

  /** Keeps a message that has just been synced, where there is room. */
  put(message: SpooledMessage, body: StoredBody): void {
    const nowMs = performance.now();
    for (const [id, { untilMs }] of this.#entries) {
      if (untilMs > nowMs) break;
      this.drop(id);
    }
    const sizeBytes = this.#sizeBytes + sizeOf(body);
    if (sizeBytes > MAX_BYTES || this.#entries.size >= MAX_MESSAGES) return;
    this.#sizeBytes = sizeBytes;
    this.#entries.set(message.id, { message, body, untilMs: nowMs + LIFE_MS });
  }

  get(id: number): RecentMessage | undefined {
    return this.#entries.get(id);
  }

  /** Forgets what somebody wants to see as it is on the disk. */
  dropAll(ids: readonly number[]): void {
    for (const id of ids) this.drop(id);
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
    this.#sizeBytes = 0;
  }

  /** Forgets a message: it has changed, or is gone. */
  drop(id: number): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#entries.delete(id);
    this.#sizeBytes -= sizeOf(entry.body);
  }
}

function sizeOf({ content }: StoredBody): number {
  return content?.length ?? 0;
}
