import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeJson } from '../../../src/cmdlets/output-json.ts';
import { pad, truncate, widthOf } from '../../../src/shell/text.ts';
import { escapeText } from '../../../src/unsafe-text.ts';

describe('escapeText', () => {
  it.each([
    ['plain text, äöü, 漢字, 👩‍🔬, Server\\Name', 'plain text, äöü, 漢字, 👩‍🔬, Server\\Name'],
    ['\u001b[2Jgone', '\\x1b[2Jgone'],
    ['\u001b]0;title\u0007', '\\x1b]0;title\\x07'],
    ['\u009b31m', '\\x9b31m'],
    ['a\r\nb\tc\u0000\u007f', 'a\\r\\nb\\tc\\x00\\x7f'],
    ['user\u202emoc.live', 'user\\u202emoc.live'],
    ['\u2066a\u2069\u200e\u200f\u061c', '\\u2066a\\u2069\\u200e\\u200f\\u061c'],
    ['pay\u200bpal\ufeff', 'pay\\u200bpal\\ufeff'],
    ['a\u2028b', 'a\\u2028b'],
    ['\u{e0041}', '\\u{e0041}'],
    ['\ud800x', '\\ud800x'],
  ])('writes %j as %j', (text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
  });

  it('lets no control, direction or surrogate character through', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeText(text)).not.toMatch(/\p{Cc}|\p{Surrogate}|\p{Zl}|\p{Zp}|\p{Bidi_Control}/u);
      }),
    );
  });
});

describe('escapeJson', () => {
  it('keeps every value while only harmless characters are printed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = escapeJson(JSON.stringify([text], undefined, 2));
        expect(JSON.parse(json)).toEqual([text]);
        expect(json.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u);
      }),
    );
  });
});

describe('widths', () => {
  it.each([
    ['abc', 3],
    ['漢字', 4],
    ['e\u0301', 1],
    ['👩‍🔬', 2],
    ['ﾊﾛｰ', 3],
    ['', 0],
  ])('counts %s as %i columns', (text, width) => {
    expect(widthOf(text)).toBe(width);
  });

  it.each([
    ['abcdefgh', 8, 'abcdefgh'],
    ['abcdefghi', 8, 'abcde...'],
    ['漢字漢字漢字', 8, '漢字...'],
    ['abcdef', 2, 'ab'],
  ])('cuts %s to %i columns as %s', (text, width, cut) => {
    expect(truncate(text, width)).toBe(cut);
  });

  it('pads by columns, not by characters', () => {
    expect(pad('漢', 4)).toBe('漢  ');
    expect(pad('7', 3, 'right')).toBe('  7');
  });
});
