import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCsvLine, parseCsvLine } from '../../../src/tracking/csv.ts';

describe('CSV lines', () => {
  it.each([
    [['a', 'b'], 'a,b'],
    [['', ''], ','],
    [['a,b', 'say "no"'], '"a,b","say ""no"""'],
    [[' padded '], '" padded "'],
    [['=1+1'], '=1+1'],
  ])('writes %j as %j and reads it back', (fields, line) => {
    expect(formatCsvLine(fields)).toBe(line);
    expect(parseCsvLine(line)).toEqual(fields);
  });

  it.each(['a"b', '"a', '"a"b,c', 'a,"b" ,c'])('refuses %j, where a quote stands where none may', (line) => {
    expect(parseCsvLine(line)).toBeUndefined();
  });

  it('reads back whatever it wrote', () => {
    const fields = fc.array(fc.string({ unit: 'binary' }), { minLength: 1 });
    fc.assert(
      fc.property(fields, (texts) => {
        expect(parseCsvLine(formatCsvLine(texts))).toEqual(texts);
      }),
    );
  });

  it('reads a megabyte of quotes without running out of stack', () => {
    const fields = ['"'.repeat(1024 * 1024), 'end'];
    expect(parseCsvLine(formatCsvLine(fields))).toEqual(fields);
  });
});
