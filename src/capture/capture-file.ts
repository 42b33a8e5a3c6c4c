// A file that grows block by block, private to its owner, and always ends with a whole block.

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';

export class CaptureFile {
  readonly path: string;
  readonly #descriptor: number;
  #size = 0;
  #isOpen = true;

  private constructor(path: string) {
    this.path = path;
    this.#descriptor = openSync(path, 'wx', 0o600);
  }

  /** Makes the file; throws as the file system does, also when it is there already. */
  static open(path: string): CaptureFile {
    return new CaptureFile(path);
  }

  /** Writes the block before it returns, though not down to the disk. Throws as the file system does; then nothing of it stays. */
  append(block: Buffer): void {
    try {
      for (let written = 0; written < block.length; ) written += writeSync(this.#descriptor, block, written);
      this.#size += block.length;
    } catch (error) {
      ftruncateSync(this.#descriptor, this.#size);
      throw error;
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#descriptor);
  }
}
