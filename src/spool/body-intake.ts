// A body on its way in: gathered in memory up to a limit, streamed to a file beyond it, with its checksum made on the way.
// Memory for one message is bounded by the limit, whatever a peer sends and however small its pieces are.

import { hash } from 'node:crypto';
import { beginChecksum, type BodyChecksum } from './body-checksum.ts';
import type { BodyFolder, NewBodyFile } from './body-folder.ts';
import type { DiskRoom } from './disk-room.ts';

const FIRST_BUFFER_BYTES = 8 * 1024;

/** A body that is ready for its row: small ones in `content`, large ones in the file `fileName`, synced. */
export interface StoredBody {
  readonly sizeBytes: number;
  readonly checksum: Buffer;
  readonly content: Buffer | undefined;
  readonly fileName: string | undefined;
}

export interface IntakeOptions {
  /** Bodies up to this size stay in memory. */
  readonly inlineLimitBytes: number;
  /** Asked before a file grows by so many octets; throws when there is no room. */
  readonly room: Pick<DiskRoom, 'require'>;
}

export class BodyIntake {
  readonly #folder: Pick<BodyFolder, 'create'>;
  readonly #options: IntakeOptions;
  #buffer = Buffer.allocUnsafe(0);
  #filledBytes = 0;
  #sizeBytes = 0;
  #file: NewBodyFile | undefined;
  #digest: BodyChecksum | undefined;

  constructor(folder: Pick<BodyFolder, 'create'>, options: IntakeOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Takes the next octets; errors are the file system's own, or what `room` throws. */
  async write(chunk: Buffer): Promise<void> {
    let rest = chunk;
    const { inlineLimitBytes } = this.#options;
    while (this.#filledBytes + rest.length > inlineLimitBytes) {
      const fits = inlineLimitBytes - this.#filledBytes;
      this.#gather(rest.subarray(0, fits));
      rest = rest.subarray(fits);
      await this.#spill();
    }
    this.#gather(rest);
  }

  /** Ends the body; a file has been synced, its folder too. */
  async finish(): Promise<StoredBody> {
    if (!this.#file || !this.#digest) {
      const content = shrink(this.#buffer, this.#filledBytes);
      this.#buffer = content;
      const checksum = hash('sha256', content, 'buffer');
      return { sizeBytes: this.#sizeBytes, checksum, content, fileName: undefined };
    }
    await this.#spill();
    await this.#file.publish();
    const checksum = this.#digest.end();
    return { sizeBytes: this.#sizeBytes, checksum, content: undefined, fileName: this.#file.name };
  }

  /** Takes away what was written. */
  async discard(): Promise<void> {
    await this.#file?.discard();
  }

  #gather(octets: Buffer): void {
    const needed = this.#filledBytes + octets.length;
    if (needed > this.#buffer.length) this.#grow(needed);
    octets.copy(this.#buffer, this.#filledBytes);
    this.#filledBytes = needed;
    this.#sizeBytes += octets.length;
  }

  #grow(needed: number): void {
    const doubled = Math.max(FIRST_BUFFER_BYTES, this.#buffer.length * 2, needed);
    const larger = Buffer.allocUnsafe(Math.min(doubled, this.#options.inlineLimitBytes));
    this.#buffer.copy(larger, 0, 0, this.#filledBytes);
    this.#buffer = larger;
  }

  async #spill(): Promise<void> {
    this.#options.room.require(this.#filledBytes);
    this.#file ??= await this.#folder.create();
    this.#digest ??= beginChecksum();
    const full = this.#buffer.subarray(0, this.#filledBytes);
    this.#digest.update(full);
    await this.#file.write(full);
    this.#filledBytes = 0;
  }
}

/** The first octets, copied where the rest would be kept for nothing. */
function shrink(buffer: Buffer<ArrayBuffer>, sizeBytes: number): Buffer<ArrayBuffer> {
  const filled = buffer.subarray(0, sizeBytes);
  return sizeBytes > buffer.length / 1.25 ? filled : Buffer.from(filled);
}
