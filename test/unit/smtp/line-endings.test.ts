import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineEndings } from '../../../src/smtp/line-endings.ts';

/** Whether the pieces of `body`, cut at the places, have a CR or LF that stands alone; one at the very end counts. */
function areBroken(body: Buffer, cuts: readonly number[]): boolean {
  const endings = new LineEndings();
  const places = [0, ...cuts.map((cut) => cut % (body.length + 1)).toSorted((a, b) => a - b), body.length];
  const pieces = places.slice(1).map((end, index) => body.subarray(places[index], end));
  return pieces.some((piece) => endings.areBroken(piece)) || endings.endsInCr;
}

const dull = fc.constantFrom('', 'a', 'words of a line ', 'x'.repeat(77), 'é€', '\t', '\0');
const parts = fc.array(fc.tuple(dull, fc.constantFrom('\r\n', '\r\n', '\r\n', '\r\n', '\r', '\n', '')), {
  maxLength: 12,
});

describe('LineEndings', () => {
  it('finds what a regular expression finds, wherever the pieces are cut and wherever they lie in memory', () => {
    fc.assert(
      fc.property(parts, fc.array(fc.nat(), { maxLength: 6 }), fc.nat({ max: 9 }), (lines, cuts, shift) => {
        const text = lines.flat().join('');
        const memory = Buffer.from(`${'-'.repeat(shift)}${text}`);
        const isBare = /\r(?!\n)|(?<!\r)\n/.test(text);
        expect(areBroken(memory.subarray(shift), cuts)).toBe(isBare);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['\r', 'a CR'],
    ['\n', 'a LF'],
  ])('finds %j alone at each place of a long line', (alone) => {
    const line = 'x'.repeat(60);
    for (let at = 0; at <= line.length; at++) {
      const body = Buffer.from(`${line}\r\n${line.slice(0, at)}${alone}${line.slice(at)}\r\n`);
      expect(areBroken(body, [])).toBe(true);
      expect(areBroken(body, [62 + at])).toBe(true);
      expect(areBroken(body, [63 + at])).toBe(true);
    }
  });
});
