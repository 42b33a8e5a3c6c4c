// The updates of a transaction that waits for its end, kept as the octets they came in: a hundred thousand of them take as much
// room as they took on the wire, a tenth of what they would take decoded. Decoded one by one when they are carried out.

import type { LdapOperation, LdapOperations } from './entry.ts';
import { decodeUpdate } from './update-request.ts';

const BLOCK_BYTES = 262_144;
/** Tag and length before each content. */
const HEAD_BYTES = 5;

/** Grows by `push`; read as often as one likes. */
export class GatheredOperations implements LdapOperations {
  #blocks: Buffer[] = [];
  /** Octets in use of each block. */
  #used: number[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Takes the content of an update that decodeUpdate has found sound. */
  push(tag: number, content: Buffer): void {
    const size = HEAD_BYTES + content.length;
    const last = this.#blocks.length - 1;
    const hasRoom = (this.#blocks[last]?.length ?? 0) - (this.#used[last] ?? 0) >= size;
    if (!hasRoom) {
      this.#blocks.push(Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, size)));
      this.#used.push(0);
    }
    const index = this.#blocks.length - 1;
    const offset = this.#used[index] ?? 0;
    const block = this.#blocks[index];
    block?.writeUInt8(tag, offset);
    block?.writeUInt32BE(content.length, offset + 1);
    content.copy(block ?? Buffer.alloc(0), offset + HEAD_BYTES);
    this.#used[index] = offset + size;
    this.#length += 1;
  }

  *[Symbol.iterator](): Generator<LdapOperation> {
    for (const [index, block] of this.#blocks.entries()) {
      const end = this.#used[index] ?? 0;
      for (let offset = 0; offset < end; ) {
        const start = offset + HEAD_BYTES;
        offset = start + block.readUInt32BE(start - 4);
        const operation = decodeUpdate(block.readUInt8(start - HEAD_BYTES), block.subarray(start, offset));
        if (!operation) throw new Error('what was gathered is no update');
        yield operation;
      }
    }
  }
}
