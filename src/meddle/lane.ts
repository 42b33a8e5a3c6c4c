// One direction of a connection: what is to be written leaves in order, at the pace that a fault has set, and whoever writes waits
// while the receiver does not keep up.

import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

/** Writing at a pace, this many times a second. */
const TICKS_PER_SECOND = 20;

export class Lane {
  readonly #target: Duplex;
  readonly #ended: AbortSignal;
  #octetsPerSecond: number | undefined;

  /** After `ended` nothing more is written. */
  constructor(target: Duplex, ended: AbortSignal) {
    this.#target = target;
    this.#ended = ended;
  }

  setPace(octetsPerSecond: number): void {
    this.#octetsPerSecond = octetsPerSecond;
  }

  /** Resolves once the octets are on their way, or the connection is over. */
  async write(octets: Buffer): Promise<void> {
    const pace = this.#octetsPerSecond;
    if (pace === undefined) return this.#put(octets);
    const piece = Math.max(1, Math.floor(pace / TICKS_PER_SECOND));
    for (let at = 0; at < octets.length && !this.#ended.aborted; at += piece) {
      await this.#put(octets.subarray(at, at + piece));
      await pause((1000 * piece) / pace, this.#ended);
    }
  }

  /** Resolves once everything before was handed to the system. */
  flushed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isGone()) resolve();
      else this.#target.write(Buffer.alloc(0), () => resolve());
    });
  }

  async #put(octets: Buffer): Promise<void> {
    if (octets.length === 0 || this.#isGone() || this.#target.write(octets)) return;
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        this.#target.off('drain', goOn).off('close', goOn);
        this.#ended.removeEventListener('abort', goOn);
        resolve();
      };
      this.#target.on('drain', goOn).on('close', goOn);
      this.#ended.addEventListener('abort', goOn);
    });
  }

  #isGone(): boolean {
    return this.#ended.aborted || this.#target.destroyed || !this.#target.writable;
  }
}

/** Waits, but not beyond the end. */
export async function pause(ms: number, ended: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: ended }).catch(() => undefined);
}
