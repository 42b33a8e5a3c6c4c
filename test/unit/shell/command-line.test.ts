import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitCommandLine } from '../../../src/shell/command-line.ts';

describe('splitCommandLine', () => {
  it.each([
    ['Get-Queue', ['Get-Queue']],
    ['  Get-Queue   -Filter "Status -eq \'Retry\'" ', ['Get-Queue', '-Filter', "Status -eq 'Retry'"]],
    ['Get-Queue|fl', ['Get-Queue', '|', 'fl']],
    ['Get-Queue -Name "a|b" | fl', ['Get-Queue', '-Name', 'a|b', '|', 'fl']],
    ['a""b \'\'', ['ab', '']],
    ['', []],
  ])('splits %j', (line, words) => {
    expect(splitCommandLine(line)).toEqual(words);
  });

  it('refuses a quote that is left open', () => {
    expect(() => splitCommandLine('Get-Queue "a')).toThrow(/opened and not closed/);
  });

  it('gives back any words that were quoted', () => {
    const word = fc.string().filter((text) => !text.includes('"'));
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(splitCommandLine(words.map((text) => `"${text}"`).join(' '))).toEqual(words);
      }),
    );
  });
});
