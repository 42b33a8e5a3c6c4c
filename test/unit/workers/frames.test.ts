import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFrame, type Frame, FrameReader } from '../../../src/workers/frames.ts';

interface Said {
  readonly head: Record<string, string>;
  readonly pieces: Uint8Array[];
}

const said: fc.Arbitrary<Said> = fc.record({
  head: fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })),
  pieces: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
});

function encode(frames: readonly Said[]): Buffer {
  return Buffer.concat(
    frames.flatMap(({ head, pieces }) =>
      encodeFrame(
        head,
        pieces.map((piece) => Buffer.from(piece)),
      ),
    ),
  );
}

/** Octets in pieces whose sizes come round and round. */
function cut(octets: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let offset = 0, turn = 0; offset < octets.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(octets.subarray(offset, offset + size));
    offset += size;
  }
  return chunks;
}

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(said, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 5 }),
        (frames, sizes) => {
          const reader = new FrameReader();
          const found: Frame[] = cut(encode(frames), sizes).flatMap((chunk) => reader.push(chunk));
          expect(found.map(({ head }) => JSON.stringify(head))).toEqual(frames.map(({ head }) => JSON.stringify(head)));
          expect(found.map(({ pieces }) => pieces.map((piece) => piece.toString('hex')))).toEqual(
            frames.map(({ pieces }) => pieces.map((piece) => Buffer.from(piece).toString('hex'))),
          );
        },
      ),
    );
  });

  it('are given out as soon as they are whole, and not before', () => {
    const reader = new FrameReader();
    const octets = encode([{ head: { a: 'b' }, pieces: [Buffer.from('xyz')] }]);
    expect(reader.push(octets.subarray(0, -1))).toEqual([]);
    expect(reader.push(octets.subarray(-1))).toHaveLength(1);
  });

  it('of a size that nobody sends show that the stream is out of step', () => {
    expect(() => new FrameReader().push(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow(RangeError);
  });
});
