import { describe, expect, it } from 'vitest';
import { parseSize } from '../../src/size.ts';

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['1048576', 1_048_576],
    ['512KB', 524_288],
    ['1.5 gb', 1_610_612_736],
    ['10B', 10],
    ['35 MB (36,700,160 bytes)', 36_700_160],
  ])('reads %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'MB', '-1', '1 PB', '1,5MB', 'unlimited', '99999999TB'])('refuses %j', (text) => {
    expect(() => parseSize(text)).toThrow(/is not a size; write it as/);
  });
});
