// The transparency of DATA on its way in (RFC 5321 §4.5.2): the dot that begins a line is taken off, a line of a dot alone ends
// the body. A line is what CRLF ends and nothing else (§2.3.8), so that no odd line ending can smuggle a second message in.
// Searched natively; pure but for what it remembers between two pieces.

const LINE_DOT = Buffer.from('\r\n.');
const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const HELD_CR = Buffer.from('\r');
const NOTHING = Buffer.alloc(0);

/** What the octets before the next one were. */
type Place = 'within-line' | 'after-cr' | 'line-start' | 'after-dot' | 'after-dot-cr';

/** What a piece held: octets of the body, and, once the body is over, what came behind it. */
export interface Unstuffed {
  readonly content: Buffer;
  readonly rest: Buffer | undefined;
}

/** Reads one body, piece by piece, wherever they are cut. */
export class DotUnstuffing {
  #place: Place = 'line-start';

  read(piece: Buffer): Unstuffed {
    const contents: Buffer[] = [];
    let from = 0;
    let at = 0;
    while (at < piece.length) {
      if (this.#place === 'within-line') {
        const found = piece.indexOf(LINE_DOT, at);
        if (found === -1) {
          this.#place = placeBehind(piece, at);
          break;
        }
        contents.push(piece.subarray(from, found + 2));
        at = found + LINE_DOT.length;
        from = at;
        this.#place = 'after-dot';
        continue;
      }
      const octet = piece[at];
      if (this.#place === 'after-dot-cr') {
        if (octet === LF) return { content: join(contents), rest: piece.subarray(at + 1) };
        contents.push(HELD_CR);
      }
      const isHeldBack = octet === DOT ? this.#place === 'line-start' : octet === CR && this.#place === 'after-dot';
      if (isHeldBack) {
        contents.push(piece.subarray(from, at));
        from = at + 1;
      }
      this.#place = nextPlace(this.#place, octet);
      at += 1;
    }
    contents.push(piece.subarray(from));
    return { content: join(contents), rest: undefined };
  }
}

function nextPlace(place: Place, octet: number | undefined): Place {
  if (octet === DOT && place === 'line-start') return 'after-dot';
  if (octet === CR) return place === 'after-dot' ? 'after-dot-cr' : 'after-cr';
  return octet === LF && place === 'after-cr' ? 'line-start' : 'within-line';
}

/** `from` is where the piece was within a line for certain. */
function placeBehind(piece: Buffer, from: number): Place {
  const last = piece.at(-1);
  if (last === CR) return 'after-cr';
  return last === LF && piece.length - from >= 2 && piece.at(-2) === CR ? 'line-start' : 'within-line';
}

function join(contents: readonly Buffer[]): Buffer {
  return contents.length === 1 ? (contents[0] ?? NOTHING) : Buffer.concat(contents);
}
