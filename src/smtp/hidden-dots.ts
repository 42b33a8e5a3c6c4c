// Looks for a dot at the beginning of a line behind nothing but NULs. To us such a line is text like any other; a next hop that
// drops NULs would read it as the end of the body, or would miss a dot that was never doubled (RFC 5321 §4.5.2).

const NUL = 0x00;
const LF = 0x0a;
const DOT = 0x2e;
const LINE_NUL = Buffer.from([LF, NUL]);

/** Watches one body, piece by piece. */
export class HiddenDots {
  /** How many NULs the line at hand began with; undefined once something else came. */
  #nuls: number | undefined = 0;

  /** True when such a dot is in this piece. */
  isIn(chunk: Buffer): boolean {
    if (chunk.length === 0) return false;
    if (!this.#nuls && !chunk.includes(NUL)) {
      this.#nuls = chunk.at(-1) === LF ? 0 : undefined;
      return false;
    }
    return this.#search(chunk);
  }

  #search(chunk: Buffer): boolean {
    for (let at = 0; ; ) {
      if (this.#nuls !== undefined) {
        const from = at;
        while (chunk[at] === NUL) at += 1;
        this.#nuls += at - from;
        if (at === chunk.length) return false;
        if (chunk[at] === DOT && this.#nuls > 0) return true;
        this.#nuls = undefined;
      }
      const next = chunk.indexOf(LINE_NUL, at);
      if (next === -1) {
        if (chunk.at(-1) === LF) this.#nuls = 0;
        return false;
      }
      this.#nuls = 0;
      at = next + 1;
    }
  }
}
