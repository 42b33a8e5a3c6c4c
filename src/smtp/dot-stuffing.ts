// The transparency of DATA on its way out (RFC 5321 §4.5.2): a dot before each line that starts with one, and the final dot.
// All other octets leave as they came, bare CR and LF included: what may be sent at all was decided at reception, and a byte
// changed here would break a signature. Searched natively, not octet by octet.

import { Transform, type TransformCallback } from 'node:stream';

const LINE_DOT = Buffer.from('\r\n.');
const LINE_END = Buffer.from('\r\n');
const DOT = Buffer.from('.');
const FINAL_DOT = Buffer.from('.\r\n');

/** Stuffs whatever is written and ends it with CRLF (if it was missing), dot, CRLF. Destroy it to send no final dot. */
export class DotStuffing extends Transform {
  /** The last two octets that passed; a body starts as a line does. */
  #tail: Buffer = LINE_END;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const dots = this.#findDots(chunk);
    this.#tail = (chunk.length >= 2 ? chunk : Buffer.concat([this.#tail, chunk])).subarray(-2);
    done(null, dots.length === 0 ? chunk : insertDots(chunk, dots));
  }

  override _flush(done: TransformCallback): void {
    if (!this.#tail.equals(LINE_END)) this.push(LINE_END);
    done(null, FINAL_DOT);
  }

  /** Where a dot begins a line; the line may have begun in an earlier chunk. */
  #findDots(chunk: Buffer): number[] {
    const dots: number[] = [];
    const head = Buffer.concat([this.#tail, chunk.subarray(0, 2)]);
    for (let at = head.indexOf(LINE_DOT); at !== -1; at = head.indexOf(LINE_DOT, at + 1)) dots.push(at);
    for (let at = chunk.indexOf(LINE_DOT); at !== -1; at = chunk.indexOf(LINE_DOT, at + 3)) dots.push(at + 2);
    return dots;
  }
}

function insertDots(chunk: Buffer, dots: readonly number[]): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const at of dots) {
    pieces.push(chunk.subarray(from, at), DOT);
    from = at;
  }
  pieces.push(chunk.subarray(from));
  return Buffer.concat(pieces);
}
