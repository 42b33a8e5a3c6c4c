import { describe, expect, it } from 'vitest';
import { sizeValue, timeSpanValue } from '../../../src/cmdlets/output.ts';
import { formatList, selectProperties } from '../../../src/shell/list.ts';
import { formatTable } from '../../../src/shell/table.ts';
import { formatJson, formatValue } from '../../../src/shell/values.ts';

describe('formatValue', () => {
  it.each([
    [undefined, ''],
    [null, ''],
    [true, 'True'],
    [false, 'False'],
    [25, '25'],
    ['a\u001bb', 'a\\x1bb'],
    [[], '{}'],
    [['a', 'b'], '{a, b}'],
    [{ Reason: 'x', Tls: ['TLSv1.3'] }, '@{Reason=x; Tls={TLSv1.3}}'],
    [sizeValue(36_700_160), '35 MB (36,700,160 bytes)'],
    [sizeValue(2000), '1.953 KB (2,000 bytes)'],
    [sizeValue(1023), '1023 B (1,023 bytes)'],
    [sizeValue(0), '0 B (0 bytes)'],
    [sizeValue('unlimited'), 'Unlimited'],
    [timeSpanValue(93_784_000), '1.02:03:04'],
    [new Date('2026-11-22T10:30:15.123Z'), '2026-11-22 10:30:15Z'],
    [new Date(Number.NaN), ''],
  ])('shows %j as "%s"', (value, text) => {
    expect(formatValue(value)).toBe(text);
  });
});

const records = [
  { Identity: 'EDGE01\\1', MessageCount: 12, NextHopDomain: 'hub01.corp.test' },
  { Identity: 'EDGE01\\Submission', MessageCount: 0, NextHopDomain: 'a\nb' },
];

describe('formatTable', () => {
  it("is laid out as PowerShell's, numbers on the right", () => {
    expect(
      formatTable(records, ['Identity', 'MessageCount', { header: 'Hop', value: (record) => record['NextHopDomain'] }]),
    ).toEqual([
      'Identity          MessageCount Hop',
      '--------          ------------ ---',
      'EDGE01\\1                    12 hub01.corp.test',
      'EDGE01\\Submission            0 a\\nb',
    ]);
  });

  it('shows an empty cell for a property that a record does not have', () => {
    expect(formatTable([{ A: 'x' }, { B: 'y' }], ['A', 'B'])).toEqual(['A B', '- -', 'x', '  y']);
  });

  it('prints nothing without records or columns', () => {
    expect(formatTable([], ['A'])).toEqual([]);
    expect(formatTable(records, [])).toEqual([]);
  });

  it('cuts the widest columns until the terminal holds the table', () => {
    const wide = [{ Subject: 'x'.repeat(500), From: 'y'.repeat(60), Id: '1' }];
    const lines = formatTable(wide, ['Id', 'From', 'Subject'], 50);
    expect(lines.map((line) => line.length)).toEqual([expect.any(Number), expect.any(Number), 50]);
    expect(lines[2]).toMatch(/^1 {2}y+\.\.\. x+\.\.\.$/);
  });

  it('leaves a table alone that fits', () => {
    expect(formatTable(records, ['Identity'], 17)).toEqual(formatTable(records, ['Identity']));
  });

  it('lays out more rows than a call can have arguments', () => {
    const many = Array.from({ length: 200_000 }, (_, index) => ({ N: index }));
    expect(formatTable(many, ['N'])).toHaveLength(200_002);
  });
});

describe('formatList', () => {
  it("is laid out as PowerShell's, with an empty line between records", () => {
    expect(formatList([{ Name: 'x', Reader: undefined, 'Long\u001bName': [1] }, { Name: 'y' }])).toEqual([
      'Name         : x',
      'Reader       :',
      'Long\\x1bName : {1}',
      '',
      'Name : y',
    ]);
  });
});

describe('selectProperties', () => {
  it.each([
    [
      ['nextHop*', 'identity'],
      ['NextHopDomain', 'Identity'],
    ],
    [['*'], ['Identity', 'MessageCount', 'NextHopDomain']],
    [['.*'], []],
    [['Nothing'], []],
  ])('picks by %j the properties %j', (patterns, names) => {
    expect(Object.keys(selectProperties(records[0] ?? {}, patterns))).toEqual(names);
  });
});

describe('formatJson', () => {
  it('writes dates in ISO 8601, sizes in bytes, time spans as they are typed', () => {
    const record = {
      At: new Date(0),
      Bad: new Date(Number.NaN),
      Size: sizeValue(7),
      Max: sizeValue('unlimited'),
      Span: timeSpanValue(2000),
      No: undefined,
      Parts: [true],
    };
    expect(JSON.parse(formatJson([record]))).toEqual([
      {
        At: '1970-01-01T00:00:00.000Z',
        Bad: null,
        Size: 7,
        Max: 'unlimited',
        Span: '00:00:02',
        No: null,
        Parts: [true],
      },
    ]);
  });

  it('is an empty array without records', () => {
    expect(formatJson([])).toBe('[]');
  });
});
