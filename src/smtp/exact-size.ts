// A chunk is announced with its size before its first octet (RFC 3030 §2): a body that turns out longer or shorter must fail, for
// the hop would take our next command for body, or wait for octets that never come.

const NOTHING = Buffer.alloc(0);

/**
 * Passes on exactly `sizeBytes` octets, or throws RangeError. What would make them complete is held back until the end is known: the hop
 * takes a chunk for whole with its last octet, and answers, and a body that goes on after that must not have been sent.
 */
export class ExactSize {
  #leftBytes: number;
  #last: Buffer = NOTHING;

  constructor(sizeBytes: number) {
    this.#leftBytes = sizeBytes;
  }

  /** The next piece, as it came; nothing for the last one. */
  push(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk;
    this.#leftBytes -= chunk.length;
    if (this.#leftBytes < 0) throw new RangeError('the body is longer than was announced');
    if (this.#leftBytes > 0) return chunk;
    this.#last = chunk;
    return NOTHING;
  }

  /** The last piece. */
  end(): Buffer {
    if (this.#leftBytes > 0) throw new RangeError('the body is shorter than was announced');
    return this.#last;
  }
}
