// Frames on the stream between the owner and a worker: a head of JSON and any number of pieces of octets behind it, which are
// not copied on the way out. Length of all that follows (32 bits, big-endian), length of the head, head, pieces. Pure.

/** What a frame says. `head` is JSON; sizes of the pieces are added to it on the wire. */
export interface Frame<Head = Readonly<Record<string, unknown>>> {
  readonly head: Head;
  readonly pieces: readonly Buffer[];
}

const LENGTHS_BYTES = 8;
/** Nothing sent here comes near; a longer frame means that the stream is out of step. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

/** The octets of a frame, to be written one after the other. */
export function encodeFrame(head: object, pieces: readonly Buffer[] = []): Buffer[] {
  const sizes = pieces.map((piece) => piece.length);
  const text = JSON.stringify([head, sizes]);
  const headBytes = Buffer.byteLength(text);
  const start = Buffer.allocUnsafe(LENGTHS_BYTES + headBytes);
  start.writeUInt32BE(
    sizes.reduce((sum, size) => sum + size, 4 + headBytes),
    0,
  );
  start.writeUInt32BE(headBytes, 4);
  start.write(text, LENGTHS_BYTES);
  return [start, ...pieces];
}

/** Cuts a stream into frames, however its octets arrive. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #gathered = 0;
  #needed = 4;

  /** The frames that `chunk` completes; their pieces may share its memory. Throws RangeError when the stream is out of step. */
  push(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk);
    this.#gathered += chunk.length;
    const frames: Frame[] = [];
    while (this.#gathered >= this.#needed) {
      const octets = this.#join();
      const length = octets.readUInt32BE(0);
      if (length > MAX_FRAME_BYTES) throw new RangeError(`a frame of ${length} octets`);
      this.#needed = 4 + length;
      if (octets.length < this.#needed) break;
      frames.push(decodeFrame(octets.subarray(4, this.#needed)));
      this.#chunks = [octets.subarray(this.#needed)];
      this.#gathered -= this.#needed;
      this.#needed = 4;
    }
    return frames;
  }

  #join(): Buffer {
    const [first] = this.#chunks;
    if (first && this.#chunks.length === 1) return first;
    const joined = Buffer.concat(this.#chunks, this.#gathered);
    this.#chunks = [joined];
    return joined;
  }
}

function decodeFrame(octets: Buffer): Frame {
  const end = 4 + octets.readUInt32BE(0);
  const [head, sizes] = JSON.parse(octets.toString('utf8', 4, end)) as [Frame['head'], readonly number[]];
  let offset = end;
  const pieces = sizes.map((size) => octets.subarray(offset, (offset += size)));
  return { head, pieces };
}
