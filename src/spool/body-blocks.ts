// The memory that bodies pass through on their way out of their files. The engine's collector gives octets back late: of 50
// messages of 5 MiB it would hold most of each at a time. So whoever has sent a block gives it back, and the next piece is read into it.

/** Blocks of one size. A block that is not given back is the collector's, as any other Buffer. */
export class BlockPool {
  readonly #sizeBytes: number;
  readonly #mostFree: number;
  readonly #free: Buffer[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /** Of blocks that nobody has, at most `mostFree` are kept. */
  constructor({ sizeBytes, mostFree }: { readonly sizeBytes: number; readonly mostFree: number }) {
    this.#sizeBytes = sizeBytes;
    this.#mostFree = mostFree;
  }

  /** A block with whatever octets are in it. */
  take(): Buffer {
    const block = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#sizeBytes);
    this.#lent.add(block.buffer);
    return block;
  }

  /** For the last who looks at it. What is a part of a block, none of this pool, or was given back before, is left alone. */
  giveBack(octets: Buffer): void {
    if (octets.length !== this.#sizeBytes || !this.#lent.delete(octets.buffer)) return;
    if (this.#free.length < this.#mostFree) this.#free.push(octets);
  }
}

export const bodyBlocks = new BlockPool({ sizeBytes: 128 * 1024, mostFree: 64 });
