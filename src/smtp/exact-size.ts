// A chunk is announced with its size before its first octet (RFC 3030 §2): a body that turns out longer or shorter must fail, for
// the hop would take our next command for body, or wait for octets that never come.

/** Passes on exactly `sizeBytes` octets, or throws RangeError. */
export class ExactSize {
  #leftBytes: number;

  constructor(sizeBytes: number) {
    this.#leftBytes = sizeBytes;
  }

  /** The next piece, as it came. */
  push(chunk: Buffer): Buffer {
    this.#leftBytes -= chunk.length;
    if (this.#leftBytes < 0) throw new RangeError('the body is longer than was announced');
    return chunk;
  }

  /** Nothing follows the last octet. */
  end(): Buffer {
    if (this.#leftBytes > 0) throw new RangeError('the body is shorter than was announced');
    return Buffer.alloc(0);
  }
}
