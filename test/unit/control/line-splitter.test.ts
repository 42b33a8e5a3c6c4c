import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineSplitter, LineTooLong } from '../../../src/control/line-splitter.ts';

describe('createLineSplitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    const line = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\n'));
    fc.assert(
      fc.property(fc.array(line), fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const split = createLineSplitter(1000);
        const found: Buffer[] = [];
        for (let start = 0; start < bytes.length; ) {
          const end = start + (cuts.next().value ?? 1);
          found.push(...split(bytes.subarray(start, end)));
          start = end;
        }
        expect(found.map(String)).toEqual(lines);
      }),
    );
  });

  it('refuses a line that is too long, whether it has ended or not', () => {
    expect(() => createLineSplitter(3)(Buffer.from('abcd\n'))).toThrow(LineTooLong);
    const split = createLineSplitter(3);
    split(Buffer.from('ab'));
    expect(() => split(Buffer.from('cd'))).toThrow(LineTooLong);
  });

  it('allows each line its own length', () => {
    const split = createLineSplitter(3);
    expect(split(Buffer.from('abc\nab')).map(String)).toEqual(['abc']);
    expect(split(Buffer.from('c\nabc\n')).map(String)).toEqual(['abc', 'abc']);
  });
});
