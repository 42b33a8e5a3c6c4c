import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HiddenDots } from '../../../src/smtp/hidden-dots.ts';

function findsIn(pieces: readonly string[]): boolean {
  const dots = new HiddenDots();
  return pieces.some((piece) => dots.isIn(Buffer.from(piece, 'latin1')));
}

describe('a dot at the beginning of a line behind NULs', () => {
  it.each(['\0.', '\r\n\0.\r\n', 'a\r\n\0\0\0.b', '\0a\r\n\0.'])('is found in %j', (text) => {
    expect(findsIn([text])).toBe(true);
    expect(findsIn(text.split(''))).toBe(true);
  });

  it.each(['', '.', '\r\n.\r\n', 'a\0.', '\r\n.\0\r\n', '\r\n\0a.', '\0', '\0\r\n.\r\n'])('is not in %j', (text) => {
    expect(findsIn([text])).toBe(false);
    expect(findsIn(text.split(''))).toBe(false);
  });

  it('is found in whatever pieces the body comes, and only there', () => {
    const piece = fc
      .array(fc.constantFrom('\0', '.', '\r\n', 'a', ''), { maxLength: 6 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        expect(findsIn(pieces)).toBe(/(?:^|\n)\0+\./.test(pieces.join('')));
      }),
      { numRuns: 2000 },
    );
  });
});
