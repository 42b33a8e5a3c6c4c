import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FilterProperties, parseFilterExpression } from '../../../src/cmdlets/filter-expression.ts';
import type { OutputRecord } from '../../../src/cmdlets/output.ts';
import { isProblem } from '../../../src/problem.ts';

const PROPERTIES = {
  Status: 'text',
  Subject: 'text',
  MessageCount: 'number',
  Size: 'size',
  DateReceived: 'date',
} as const satisfies FilterProperties;

const RECORD: OutputRecord = {
  Status: 'Retry',
  Subject: "Anna's invoice *",
  MessageCount: 12,
  Size: { $size: 2048 },
  DateReceived: new Date('2007-12-24T20:00:00Z'),
};
const EMPTY: OutputRecord = { Status: null, Size: { $size: 'unlimited' } };

function matches(filter: string, record: OutputRecord = RECORD): boolean {
  return parseFilterExpression(filter, PROPERTIES)(record);
}

describe('a filter', () => {
  it.each([
    `Status -eq 'Retry'`,
    `status -EQ "retry"`,
    `Status -eq Retry`,
    `{Status -eq 'Retry'}`,
    `  Status   -eq 'Retry' -AND MessageCount -gt 10  `,
    `Status -ne 'Ready'`,
    `Status -gt 'Ready'`,
    `Status -like 'R*'`,
    `Status -like '*T*'`,
    `Status -like '*'`,
    `Status -like retry`,
    `Subject -eq 'Anna''s invoice *'`,
    `Subject -eq "Anna's invoice *"`,
    `MessageCount -ge 12 -and MessageCount -le 12 -and MessageCount -lt 13`,
    `MessageCount -gt -5`,
    `MessageCount -ne $null`,
    `Size -gt 1KB`,
    `Size -lt unlimited`,
    `DateReceived -ge 2007-12-24`,
    `DateReceived -lt '2007-12-24 20:00:01'`,
  ])('holds: %s', (filter) => {
    expect(matches(filter)).toBe(true);
  });

  it.each([
    `Status -eq 'Ready'`,
    `Status -like 'R*x'`,
    `Status -like 'Retry*Retry'`,
    `Status -like 'Ret'`,
    `Status -eq 'Retry' -and MessageCount -gt 12`,
    `MessageCount -eq $null`,
    `MessageCount -gt $null`,
    `Size -ge 3KB`,
    `DateReceived -gt '2007-12-24 20:00'`,
  ])('does not hold: %s', (filter) => {
    expect(matches(filter)).toBe(false);
  });

  it.each([
    [`Status -eq $null`, true],
    [`Status -eq ''`, true],
    [`Status -eq '$null'`, false],
    [`MessageCount -eq $null`, true],
    [`MessageCount -lt 5`, false],
    [`MessageCount -ne 5`, true],
    [`Size -gt 100TB`, true],
    [`DateReceived -le 2030-01-01`, false],
  ])('says of values that are not there, %s: %s', (filter, expected) => {
    expect(matches(filter, EMPTY)).toBe(expected);
  });
});

describe('a filter that makes no sense', () => {
  it.each([
    ['', 'bad-filter', /a comparison is missing/],
    ['Stats -eq Retry', 'bad-filter', /"Stats" is not one of the properties to filter by; did you mean Status\?/],
    [`'Status' -eq Retry`, 'bad-filter', /"Status" is not one of the properties/],
    ['toString -eq Retry', 'bad-filter', /"toString" is not one of the properties/],
    ['Status', 'bad-filter', /an operator is missing after Status/],
    ['Status -equals Retry', 'bad-filter', /"-equals" is not one of the operators -eq, -ne/],
    ['Status constructor Retry', 'bad-filter', /not one of the operators/],
    ['Status -eq', 'bad-filter', /a value is missing after Status -eq/],
    ['Status -eq -and MessageCount -eq 1', 'bad-filter', /a value is missing after Status -eq/],
    ['Status -eq Retry -and', 'bad-filter', /a comparison is missing/],
    ['Status -eq Retry -or Status -eq Ready', 'bad-filter', /joined by -and, not by "-or"/],
    [`Status -eq 'Retry`, 'bad-filter', /a quotation mark is opened and not closed/],
    ['MessageCount -like 1*', 'bad-filter', /-like compares texts, and MessageCount is a number/],
    ['MessageCount -gt many', 'bad-value', /-Filter: "many" is not a whole number/],
    ['Size -gt big', 'bad-value', /-Filter: "big" is not a size/],
    ['DateReceived -gt soon', 'bad-value', /-Filter: "soon" is not a date/],
  ])('is refused in one sentence: %s', (filter, code, sentence) => {
    expect(() => matches(filter)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(sentence) }));
  });
});

describe('any filter', () => {
  const operators = ['-eq', '-ne', '-gt', '-ge', '-lt', '-le'] as const;
  const decide: Record<(typeof operators)[number], (order: number) => boolean> = {
    '-eq': (order) => order === 0,
    '-ne': (order) => order !== 0,
    '-gt': (order) => order > 0,
    '-ge': (order) => order >= 0,
    '-lt': (order) => order < 0,
    '-le': (order) => order <= 0,
  };
  const anyCase = (text: string): fc.Arbitrary<string> => fc.constantFrom(text, text.toLowerCase(), text.toUpperCase());
  const blank = fc.constantFrom(' ', '   ', '\t');
  const writeText = (text: string): fc.Arbitrary<string> =>
    fc.constantFrom(`'${text.replaceAll("'", "''")}'`, `"${text.replaceAll('"', '""')}"`);
  const someText = fc.string({ maxLength: 5, unit: fc.constantFrom('a', 'b', 'C', "'", '"', ' ', '-', '*', 'é') });
  const compareTexts = (a: string, b: string): number => {
    const [x, y] = [a.toLowerCase(), b.toLowerCase()];
    return x === y ? 0 : x < y ? -1 : 1;
  };

  const text = fc.tuple(fc.constantFrom(...operators), someText, someText);
  const number = fc.tuple(
    fc.constantFrom(...operators),
    fc.integer({ min: -9, max: 9 }),
    fc.integer({ min: -9, max: 9 }),
  );
  const written = (property: string, operator: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc
      .tuple(anyCase(property), blank, anyCase(operator), blank, value)
      .map(([name, before, sign, after, literal]) => `${name}${before}${sign}${after}${literal}`);

  it('compares as its two comparisons do, however it is written', () => {
    const cases = fc.tuple(text, number).chain(([[textSign, value, wanted], [sign, count, bound]]) =>
      fc.record({
        record: fc.constant<OutputRecord>({ Subject: value, MessageCount: count }),
        filter: fc
          .tuple(
            written('Subject', textSign, writeText(wanted)),
            anyCase('-and'),
            written('MessageCount', sign, fc.constant(String(bound))),
          )
          .map((parts) => parts.join(' ')),
        expected: fc.constant(decide[textSign](compareTexts(value, wanted)) && decide[sign](count - bound)),
      }),
    );
    fc.assert(fc.property(cases, ({ record, filter, expected }) => matches(filter, record) === expected));
  });

  it('takes * for anything and everything else for itself', () => {
    const letters = fc.string({ maxLength: 8, unit: fc.constantFrom('a', 'b', '.') });
    const patterns = fc.string({ maxLength: 6, unit: fc.constantFrom('a', 'b', '.', '*') });
    fc.assert(
      fc.property(letters, patterns, (subject, pattern) => {
        const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
        expect(matches(`Subject -like '${pattern}'`, { Subject: subject })).toBe(expression.test(subject));
      }),
      { numRuns: 500 },
    );
  });

  it('is read or refused in one line that says where, never in another way', () => {
    const word = fc.constantFrom(
      'Status',
      'Size',
      '-eq',
      '-like',
      '-and',
      '-or',
      "'",
      '"',
      '{',
      '}',
      '$null',
      '7',
      'x',
    );
    const soup = fc.oneof(
      fc.string({ maxLength: 300 }),
      fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(soup, (filter) => {
        try {
          matches(filter);
        } catch (error) {
          expect(isProblem(error) && ['bad-filter', 'bad-value'].includes(error.code)).toBe(true);
          expect((error as Error).message).toMatch(/^-Filter: /);
          expect((error as Error).message.length).toBeLessThan(300);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is quick with many stars', () => {
    const started = performance.now();
    expect(matches(`Subject -like '${'*a'.repeat(3000)}b'`, { Subject: 'a'.repeat(60_000) })).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
