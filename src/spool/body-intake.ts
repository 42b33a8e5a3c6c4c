// A body on its way in: gathered in memory up to a limit, streamed to a file beyond it, with its checksum made on the way.
// Memory for one message is bounded by the limit, whatever a peer sends and however small its pieces are.

import { BlockPool } from './body-blocks.ts';
import { beginChecksum, type BodyChecksum, checksumWhole } from './body-checksum.ts';
import type { BodyFolder, NewBodyFile } from './body-folder.ts';
import type { DiskRoom } from './disk-room.ts';
import { INLINE_LIMIT_BYTES } from './spool-limits.ts';

const FIRST_BUFFER_BYTES = 8 * 1024;
/** A body that has come so far is gathered in one of these, and leaves it for its row or file when it is whole. */
const GROWN_BUFFER_BYTES = 32 * 1024;
const blocks = new BlockPool({ sizeBytes: INLINE_LIMIT_BYTES, mostFree: 32 });

/** A body that is ready for its row: small ones in `content`, large ones in the file `fileName`, synced. */
export interface StoredBody {
  readonly sizeBytes: number;
  readonly checksum: Buffer;
  readonly content: Buffer | undefined;
  readonly fileName: string | undefined;
}

export interface IntakeOptions {
  /** Bodies up to this size stay in memory; at most INLINE_LIMIT_BYTES. */
  readonly inlineLimitBytes: number;
  /** Asked before a file grows by so many octets; throws when there is no room. */
  readonly room: Pick<DiskRoom, 'require'>;
}

export class BodyIntake {
  readonly #folder: Pick<BodyFolder, 'create'>;
  readonly #options: IntakeOptions;
  #buffer: Buffer = Buffer.allocUnsafe(0);
  /** What `#buffer` is part of, once it has grown. */
  #block: Buffer | undefined;
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
      const filled = this.#buffer.subarray(0, this.#filledBytes);
      const content = this.#block || isWasteful(this.#buffer, filled) ? Buffer.from(filled) : filled;
      this.#giveBack();
      const checksum = checksumWhole(content);
      return { sizeBytes: this.#sizeBytes, checksum, content, fileName: undefined };
    }
    await this.#spill();
    this.#giveBack();
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
    if (doubled > GROWN_BUFFER_BYTES) this.#block = blocks.take();
    const larger = (this.#block ?? Buffer.allocUnsafe(doubled)).subarray(0, this.#options.inlineLimitBytes);
    this.#buffer.copy(larger, 0, 0, this.#filledBytes);
    this.#buffer = larger;
  }

  /** After the last octets have been copied, or are in their file. */
  #giveBack(): void {
    if (this.#block) blocks.giveBack(this.#block);
    this.#block = undefined;
    this.#buffer = Buffer.allocUnsafe(0);
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

/** Whether too much would be kept for nothing. */
function isWasteful(buffer: Buffer, filled: Buffer): boolean {
  return filled.length < buffer.length / 1.25;
}
