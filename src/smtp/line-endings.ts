// Looks for CR and LF that stand alone (RFC 5321 §2.3.8): an octet is a LF when the one before it is a CR, and only then. Of a large
// body nearly all octets are neither: sixteen of them that are printable are passed over at a time. The others are compared four at a
// time, as words. To search for each line end in turn takes three times as long.

const CR = 0x0d;
const LF = 0x0a;
const WORD_BYTES = 4;
const BLOCK_BYTES = 4 * WORD_BYTES;
const EACH_CR = 0x0d0d0d0d;
const EACH_LF = 0x0a0a0a0a;
const EACH_BIT_6 = 0x40404040;
const EACH_BIT_7 = 0x80808080;
const EACH_LOWER = 0x7f7f7f7f;
/** Bit 7 of an octet that was a CR. */
const WAS_CR = 0x80;
const BROKEN = -1;

/** Watches one body, piece by piece. */
export class LineEndings {
  /** WAS_CR when the last octet was one. */
  #carry = 0;

  /** Whether the last octet so far was a CR, which needs a LF behind it. */
  get endsInCr(): boolean {
    return this.#carry !== 0;
  }

  /** True when a CR or LF that stands alone is in this piece, or a CR before it turns out to. */
  areBroken(chunk: Buffer): boolean {
    const words = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    const last = chunk.length - BLOCK_BYTES;
    let carry = this.#carry;
    let at = 0;
    for (; at <= last && carry !== BROKEN; at += BLOCK_BYTES) {
      const a = words.getInt32(at, true);
      const b = words.getInt32(at + WORD_BYTES, true);
      const c = words.getInt32(at + 2 * WORD_BYTES, true);
      const d = words.getInt32(at + 3 * WORD_BYTES, true);
      if (carry === 0 && arePrintable(a, b, c, d)) continue;
      carry = readWord(d, readWord(c, readWord(b, readWord(a, carry))));
    }
    for (; at < chunk.length && carry !== BROKEN; at++) carry = readOctet(chunk[at], carry);
    this.#carry = Math.max(0, carry);
    return carry === BROKEN;
  }
}

/** Whether each octet has bit 6 or bit 5: none below a blank has. Some beyond ASCII have neither and are looked at for nothing. */
function arePrintable(a: number, b: number, c: number, d: number): boolean {
  return ((a | (a << 1)) & (b | (b << 1)) & (c | (c << 1)) & (d | (d << 1)) & EACH_BIT_6) === EACH_BIT_6;
}

/** What the next word begins with. In a word the first octet is the lowest. */
function readWord(word: number, carry: number): number {
  if (carry === BROKEN) return BROKEN;
  const areCr = zeroOctets(word ^ EACH_CR);
  return zeroOctets(word ^ EACH_LF) === ((areCr << 8) | carry) ? areCr >>> 24 : BROKEN;
}

/** Bit 7 of each octet that is zero, and nothing else. */
function zeroOctets(word: number): number {
  return ~(((word & EACH_LOWER) + EACH_LOWER) | word) & EACH_BIT_7;
}

function readOctet(octet: number | undefined, carry: number): number {
  if ((octet === LF) !== (carry !== 0)) return BROKEN;
  return octet === CR ? WAS_CR : 0;
}
