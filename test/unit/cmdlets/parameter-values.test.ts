import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readValue, splitLists } from '../../../src/cmdlets/parameter-values.ts';
import type { Parameter, ParameterValue } from '../../../src/cmdlets/parameters.ts';
import { isProblem } from '../../../src/problem.ts';

type Type = Parameter['type'];

function parameterOf(type: Type): Parameter {
  if (type === 'enum' || type === 'enums') return { type, choices: ['SMTP', 'IIS', 'None'], help: 'x' };
  if (type === 'integer' || type === 'count') return { type, minimum: 1, maximum: 100_000, help: 'x' };
  return { type, help: 'x' };
}

const sha1 = 'AB'.repeat(20);
const accepted: readonly [Type, readonly string[], ParameterValue][] = [
  ['string', ['a b'], 'a b'],
  ['string', ['$null'], ''],
  ['strings', ['a, b', 'c'], ['a', 'b', 'c']],
  ['strings', ['"CN=a,O=b",c'], ['CN=a,O=b', 'c']],
  ['strings', ['--,contoso.com'], ['--', 'contoso.com']],
  ['strings', ['$null'], []],
  ['strings', [''], []],
  ['integer', ['25'], 25],
  ['count', ['Unlimited'], 'unlimited'],
  ['count', ['7'], 7],
  ['boolean', ['$true'], true],
  ['boolean', ['FALSE'], false],
  ['switch', ['$false'], false],
  ['duration', ['2s'], 2000],
  ['duration', ['15m'], 900_000],
  ['duration', ['1.00:00:00'], 86_400_000],
  ['size', ['10MB'], 10_485_760],
  ['size', ['1.5 kb'], 1536],
  ['size', ['35 MB (36,700,160 bytes)'], 36_700_160],
  ['size', ['0'], 0],
  ['size', ['unlimited'], 'unlimited'],
  ['date', ['2027-12-24'], new Date('2027-12-24T00:00:00Z')],
  ['date', ['2027-12-24 20:15'], new Date('2027-12-24T20:15:00Z')],
  ['date', ['2027-12-24T20:15:00.5+01:00'], new Date('2027-12-24T19:15:00.5Z')],
  ['date', ['2024-02-29'], new Date('2024-02-29T00:00:00Z')],
  ['enum', ['smtp'], 'SMTP'],
  ['enums', ['iis,Smtp'], ['IIS', 'SMTP']],
  ['thumbprint', [sha1.toLowerCase()], sha1],
  ['thumbprint', [`\u200e${'ab '.repeat(20)}`], sha1],
  ['thumbprint', ['ab:'.repeat(32).slice(0, -1)], 'AB'.repeat(32)],
  ['secret', ['-"$,x'], '-"$,x'],
];

const refused: readonly [Type, string, RegExp][] = [
  ['string', 'a\r\nb', /control character/],
  ['string', '\ud800', /Unicode/],
  ['strings', 'ok,a\u0000', /control character/],
  ['integer', '1.5', /"1.5" is not a whole number/],
  ['integer', '0', /0 is less than 1/],
  ['integer', '100001', /more than 100000/],
  ['integer', '', /whole number/],
  ['count', 'many', /whole number/],
  ['boolean', 'yes', /neither \$true nor \$false/],
  ['boolean', '', /a shell empties an unquoted \$true/],
  ['duration', 'soon', /-P: .*not a duration/],
  ['size', '10 apples', /not a size/],
  ['size', '-1', /not a size/],
  ['size', '99999999999TB', /not a size/],
  ['date', '2027-02-30', /not a date/],
  ['date', '12/24/2027', /write it as 2027-12-24/],
  ['date', '2027-12-24T25:00', /not a date/],
  ['enum', 'pop', /"pop" is not one of SMTP, IIS, None/],
  ['enums', 'smtp,pop', /"pop" is not one of/],
  ['thumbprint', 'AB12', /40 \(SHA-1\) or 64/],
  ['secret', '', /-P: is empty/],
];

describe('readValue', () => {
  it.each(accepted)('reads %s from %j', (type, texts, value) => {
    expect(readValue('P', parameterOf(type), texts)).toEqual(value);
  });

  it.each(refused)('refuses %s %j', (type, text, sentence) => {
    expect(() => readValue('P', parameterOf(type), [text])).toThrow(sentence);
  });

  it('cuts a long value short in its sentence and refuses one beyond 64 K', () => {
    expect(() => readValue('P', parameterOf('integer'), ['x'.repeat(1000)])).toThrow(/^-P: "x{77}\.\.\." is not/);
    expect(() => readValue('P', parameterOf('string'), ['x'.repeat(65_537)])).toThrow(/longer than 65,536/);
  });

  it('answers any text with a value or with Problem bad-value', () => {
    const types: Type[] = [
      'string',
      'strings',
      'integer',
      'count',
      'boolean',
      'duration',
      'size',
      'date',
      'enum',
      'thumbprint',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.string({ unit: 'binary' }), (type, text) => {
        try {
          const value = readValue('P', parameterOf(type), [text]);
          return (
            !(typeof value === 'number' && Number.isNaN(value)) &&
            !(value instanceof Date && Number.isNaN(value.getTime()))
          );
        } catch (error) {
          return isProblem(error, 'bad-value');
        }
      }),
    );
  });

  it('reads back every date it could have shown', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true }), (date) => {
        expect(readValue('P', parameterOf('date'), [date.toISOString()])).toEqual(date);
      }),
    );
  });
});

describe('splitLists', () => {
  it('gives back what was joined by commas', () => {
    const word = fc.stringMatching(/^[a-z0-9@.*-]{1,12}$/);
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(splitLists([words.join(',')])).toEqual(words);
      }),
    );
  });
});
