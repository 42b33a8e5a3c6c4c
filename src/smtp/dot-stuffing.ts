// The transparency of DATA on its way out (RFC 5321 §4.5.2): a dot before each line that starts with one, and the final dot.
// All other octets leave as they came, bare CR and LF included: what may be sent at all was decided at reception, and a byte
// changed here would break a signature. Searched natively, not octet by octet.

const LINE_DOT = Buffer.from('\r\n.');
const LINE_END = Buffer.from('\r\n');
const FINAL_DOT = Buffer.from('.\r\n');
const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

/** Stuffs one body, piece by piece. */
export class DotStuffing {
  /** The last two octets that passed; a body starts as a line does. */
  #beforeLast = CR;
  #last = LF;

  /** The octets of the next piece with their dots; the same Buffer where none is missing. */
  push(chunk: Buffer): Buffer {
    const dots = this.#findDots(chunk);
    if (chunk.length > 0) {
      this.#beforeLast = chunk.at(-2) ?? this.#last;
      this.#last = chunk.at(-1) ?? this.#last;
    }
    return dots.length === 0 ? chunk : insertDots(chunk, dots);
  }

  /** What ends the body: CRLF (if it was missing), dot, CRLF. */
  end(): Buffer {
    return this.#isAtLineStart ? FINAL_DOT : Buffer.concat([LINE_END, FINAL_DOT]);
  }

  get #isAtLineStart(): boolean {
    return this.#beforeLast === CR && this.#last === LF;
  }

  /** Where a dot begins a line; the line may have begun in an earlier piece. */
  #findDots(chunk: Buffer): number[] {
    const dots: number[] = [];
    if (this.#isAtLineStart && chunk[0] === DOT) dots.push(0);
    else if (this.#last === CR && chunk[0] === LF && chunk[1] === DOT) dots.push(1);
    for (let at = chunk.indexOf(LINE_DOT); at !== -1; at = chunk.indexOf(LINE_DOT, at + 3)) dots.push(at + 2);
    return dots;
  }
}

function insertDots(chunk: Buffer, dots: readonly number[]): Buffer {
  const stuffed = Buffer.allocUnsafe(chunk.length + dots.length);
  let from = 0;
  let to = 0;
  for (const at of dots) {
    to += chunk.copy(stuffed, to, from, at);
    stuffed[to++] = DOT;
    from = at;
  }
  chunk.copy(stuffed, to, from);
  return stuffed;
}
