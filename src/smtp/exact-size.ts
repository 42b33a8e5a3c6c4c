// A chunk is announced with its size before its first octet (RFC 3030 §2): a body that turns out longer or shorter must fail, for
// the hop would take our next command for body, or wait for octets that never come.

import { Transform, type TransformCallback } from 'node:stream';

/** Passes on exactly `sizeBytes` octets, or fails. */
export class ExactSize extends Transform {
  #leftBytes: number;

  constructor(sizeBytes: number) {
    super();
    this.#leftBytes = sizeBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#leftBytes -= chunk.length;
    if (this.#leftBytes < 0) return done(new RangeError('the body is longer than was announced'));
    done(null, chunk);
  }

  override _flush(done: TransformCallback): void {
    done(this.#leftBytes === 0 ? null : new RangeError('the body is shorter than was announced'));
  }
}
