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
  Latency: 'duration',
  Enabled: 'boolean',
} as const satisfies FilterProperties;

const RECORD: OutputRecord = {
  Status: 'Retry',
  Subject: "Anna's invoice *",
  MessageCount: 12,
  Size: { $size: 2048 },
  DateReceived: new Date('2007-12-24T20:00:00Z'),
  Latency: { $timeSpan: 90_000 },
  Enabled: false,
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
    `Latency -eq 1m30s`,
    `Latency -gt '00:01:29'`,
    `Enabled -eq $false`,
    `Enabled -ne TRUE`,
    `Status -notlike 'x*'`,
    `Status -eq 'Ready' -or Status -eq 'Retry'`,
    `Status -eq 'Retry' -or Status -eq 'Ready' -and MessageCount -gt 100`,
    `(Status -eq 'Retry')`,
    `-not (Status -eq 'Ready')`,
    `-NOT Status -eq 'Ready'`,
    `!(Status -eq 'Ready') -and !(MessageCount -gt 100)`,
    `! ! Status -eq 'Retry'`,
    `{ (Status -eq Ready -or (MessageCount -gt 10 -and MessageCount -lt 20)) }`,
    `((Status -eq Retry)-and(MessageCount -gt 10))`,
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
    `(Status -eq 'Retry' -or Status -eq 'Ready') -and MessageCount -gt 100`,
    `-not Status -eq 'Retry' -or Status -eq 'Ready'`,
    `Status -notlike 'R*'`,
    `Latency -lt 1m`,
    `Enabled -eq $true`,
    `Enabled -eq $null`,
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
    [`Enabled -eq $false`, false],
    [`Enabled -eq $null`, true],
    [`Latency -ge 0s`, false],
    [`Status -like '*'`, true],
  ])('says of values that are not there, %s: %s', (filter, expected) => {
    expect(matches(filter, EMPTY)).toBe(expected);
  });
});

describe('a filter that makes no sense', () => {
  it.each([
    ['', 'bad-filter', /^-Filter: a comparison is missing/],
    [
      'Stats -eq Retry',
      'bad-filter',
      /^-Filter, column 1: "Stats" is not one of the properties Status, Subject, .*; did you mean Status\?$/,
    ],
    [`'Status' -eq Retry`, 'bad-filter', /"Status" is not one of the properties/],
    ['toString -eq Retry', 'bad-filter', /"toString" is not one of the properties/],
    ['Status', 'bad-filter', /column 1: an operator is missing after Status/],
    ['Status -equals Retry', 'bad-filter', /column 8: "-equals" is not one of the operators -eq, -ne/],
    ['Status constructor Retry', 'bad-filter', /not one of the operators/],
    ['Status -eq', 'bad-filter', /column 8: a value is missing after Status -eq/],
    ['Status -eq -and MessageCount -eq 1', 'bad-filter', /column 12: a value is missing after Status -eq/],
    ['(Status -eq )', 'bad-filter', /column 13: a value is missing after Status -eq/],
    ['Status -eq Retry -and', 'bad-filter', /column 18: a comparison is missing/],
    ['Status -eq Retry -and -or Status -eq Ready', 'bad-filter', /column 23: a comparison is missing/],
    ['()', 'bad-filter', /column 2: a comparison is missing/],
    ['-not', 'bad-filter', /column 1: a comparison is missing/],
    [
      'Status -eq Retry -xor Status -eq Ready',
      'bad-filter',
      /column 18: comparisons are joined by -and or -or, not by "-xor"/,
    ],
    [
      '(Status -eq Retry Status -eq Ready)',
      'bad-filter',
      /column 19: comparisons are joined by -and or -or, not by "Status"/,
    ],
    ['{  Status -eq Retry  }}', 'bad-filter', /column 22: comparisons are joined/],
    [`Status -eq 'Retry`, 'bad-filter', /column 12: a quotation mark is opened and not closed/],
    ['(Status -eq Retry', 'bad-filter', /column 1: a parenthesis is opened and not closed/],
    ['Status -eq Retry)', 'bad-filter', /column 17: a parenthesis is closed and was not opened/],
    ['MessageCount -like 1*', 'bad-filter', /column 14: -like compares texts, and MessageCount is a number/],
    ['Latency -notlike 1*', 'bad-filter', /column 9: -notlike compares texts, and Latency is a duration/],
    ['Enabled -gt $false', 'bad-filter', /column 9: Enabled is \$true or \$false: compare it by -eq or -ne/],
    ['Status -eq $true', 'bad-filter', /column 12: Status is a text and never "\$true"/],
    ['MessageCount -gt many', 'bad-value', /^-Filter, column 18, MessageCount: "many" is not a whole number/],
    ['MessageCount -gt $true', 'bad-value', /column 18, MessageCount: "\$true" is not a whole number/],
    ['Enabled -eq maybe', 'bad-value', /column 13, Enabled: "maybe" is neither \$true nor \$false/],
    ['Latency -gt long', 'bad-value', /column 13, Latency: "long" is not a duration/],
    ['Size -gt big', 'bad-value', /column 10, Size: "big" is not a size/],
    ['DateReceived -gt soon', 'bad-value', /column 18, DateReceived: "soon" is not a date/],
    [`${'('.repeat(51)}Status -eq Retry${')'.repeat(51)}`, 'bad-filter', /column 51: .*nested more than 50 deep/],
    [`${'!'.repeat(5000)}Status -eq Retry`, 'bad-filter', /column 51: .*nested more than 50 deep/],
    [`Status -eq '${'x'.repeat(16_384)}'`, 'bad-filter', /^-Filter: it is longer than 16,384 characters/],
  ])('is refused in one sentence: %s', (filter, code, sentence) => {
    expect(() => matches(filter)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(sentence) }));
  });
});

/** What a filter is made of, and what it means: written here a second time, without a look at how it is read. */
type Tree =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Tree[] }
  | { readonly kind: 'not'; readonly part: Tree }
  | { readonly kind: 'text'; readonly sign: '-eq' | '-ne' | '-like' | '-notlike'; readonly value: string }
  | { readonly kind: 'count'; readonly sign: '-lt' | '-ge'; readonly value: number };

const shortTexts = fc.string({ maxLength: 4, unit: fc.constantFrom('a', 'B', '*', "'", '"', ' ', '(', ')', '!', '-') });
const records = fc.record({ Subject: shortTexts, MessageCount: fc.integer({ min: -3, max: 3 }) });

const { tree: trees } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({
      kind: fc.constant('text' as const),
      sign: fc.constantFrom('-eq', '-ne', '-like', '-notlike' as const),
      value: shortTexts,
    }),
    fc.record({
      kind: fc.constant('count' as const),
      sign: fc.constantFrom('-lt', '-ge'),
      value: fc.integer({ min: -3, max: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), part: tie('tree') }),
    fc.record({ kind: fc.constantFrom('and', 'or'), parts: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }) }),
  ),
}));

function evaluate(tree: Tree, record: { Subject: string; MessageCount: number }): boolean {
  switch (tree.kind) {
    case 'and':
      return !tree.parts.some((part) => !evaluate(part, record));
    case 'or':
      return tree.parts.some((part) => evaluate(part, record));
    case 'not':
      return !evaluate(tree.part, record);
    case 'count':
      return tree.sign === '-lt' ? record.MessageCount < tree.value : record.MessageCount >= tree.value;
    default: {
      const escaped = tree.value.replaceAll(/[()"'!-]/g, '\\$&').replaceAll('*', '.*');
      const isLike = new RegExp(`^${escaped}$`, 'is').test(record.Subject);
      const isSame = tree.value.toLowerCase() === record.Subject.toLowerCase();
      return { '-eq': isSame, '-ne': !isSame, '-like': isLike, '-notlike': !isLike }[tree.sign];
    }
  }
}

/** In one of the many spellings of the same: parentheses where they must be and where they need not, any case and spacing. */
function print(tree: Tree, random: Iterator<number>): string {
  const chance = (outOf: number): boolean => Number(random.next().value) % outOf === 0;
  const word = (text: string): string => (chance(2) ? text.toUpperCase() : text.toLowerCase());
  const space = (): string => (chance(3) ? '   ' : ' ');
  const strength = { or: 0, and: 1, not: 2, text: 3, count: 3 } as const;
  const write = (node: Tree, needed: number): string => {
    const text = writeBare(node);
    return strength[node.kind] < needed || chance(4) ? `(${chance(2) ? ' ' : ''}${text})` : text;
  };
  const writeBare = (node: Tree): string => {
    switch (node.kind) {
      case 'and':
      case 'or':
        return node.parts
          .map((part) => write(part, strength[node.kind] + 1))
          .join(`${space()}${word(`-${node.kind}`)}${space()}`);
      case 'not':
        return (chance(2) ? '!' : `${word('-not')} `) + write(node.part, 2);
      case 'count':
        return `${word('MessageCount')}${space()}${word(node.sign)}${space()}${node.value}`;
      default: {
        const quoted = chance(2) ? `'${node.value.replaceAll("'", "''")}'` : `"${node.value.replaceAll('"', '""')}"`;
        return `${word('Subject')}${space()}${word(node.sign)}${chance(2) ? '' : ' '}${quoted}`;
      }
    }
  };
  const text = write(tree, 0);
  return chance(3) ? `{${space()}${text} }` : text;
}

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

  it('means what its tree means, however it is written', () => {
    fc.assert(
      fc.property(trees, records, fc.infiniteStream(fc.nat()), (tree, record, random) => {
        const filter = print(tree, random);
        expect(matches(filter, record), filter).toBe(evaluate(tree, record));
      }),
      { numRuns: 2000 },
    );
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
      '-not',
      '!',
      '(',
      ')',
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
          expect((error as Error).message).toMatch(/^-Filter[:,] /);
          expect((error as Error).message.length).toBeLessThan(400);
        }
      }),
      { numRuns: 500 },
    );
  });

  // Backtracking would take minutes.
  it('does not go back with many stars', { timeout: 20_000 }, () => {
    expect(matches(`Subject -like '${'*a'.repeat(3000)}b'`, { Subject: 'a'.repeat(60_000) })).toBe(false);
  });
});
