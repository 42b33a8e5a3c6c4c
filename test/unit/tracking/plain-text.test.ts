import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeText, formatJsonLine, joinTexts, splitTexts, unescapeText } from '../../../src/tracking/plain-text.ts';

// Any sequence of UTF-16 units, unpaired surrogates included, with the troublesome ones made frequent.
const unit = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
  fc.constantFrom(
    '\\',
    'u',
    '0',
    'a',
    '\n',
    '\r',
    '\u001b',
    ';',
    ',',
    '"',
    '\ud800',
    '\udc00',
    '\u202e',
    '\\u000a',
    '\\u005c',
  ),
);
const hostileText = fc.array(unit, { maxLength: 30 }).map((units) => units.join(''));

describe('escapeText', () => {
  it.each([
    ['EDGE01\\Default internal', 'EDGE01\\Default internal'],
    ['line\r\nbreak', 'line\\u000d\\u000abreak'],
    ['\u001b[31mred', '\\u001b[31mred'],
    ['\ud83d\ude00 \ud83d', '\ud83d\ude00 \\ud83d'],
    ['\\u000a', '\\u005cu000a'],
    ['\\u00', '\\u00'],
    ['evil\u202egnp.exe', 'evil\\u202egnp.exe'],
    ['\u0085\u009b', '\\u0085\\u009b'],
    ['Grüße', 'Grüße'],
  ])('writes %j as %j', (text, escaped) => {
    expect(escapeText(text)).toBe(escaped);
    expect(unescapeText(escaped)).toBe(text);
  });

  it('gives back every text and leaves nothing a terminal would obey', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const escaped = escapeText(text);
        expect(unescapeText(escaped)).toBe(text);
        expect(escaped).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e]|\p{Cs}/u);
        expect(Buffer.from(escaped).toString()).toBe(escaped);
      }),
    );
  });

  it('gives back every list but one of a single empty text', () => {
    const lists = fc.array(hostileText).filter((texts) => !(texts.length === 1 && texts[0] === ''));
    fc.assert(
      fc.property(lists, (texts) => {
        expect(splitTexts(joinTexts(texts))).toEqual(texts);
      }),
    );
  });
});

describe('formatJsonLine', () => {
  it('is one printable line of JSON with the same value', () => {
    fc.assert(
      fc.property(fc.dictionary(hostileText, hostileText), (value) => {
        const line = formatJsonLine(value);
        expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e]/u);
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
