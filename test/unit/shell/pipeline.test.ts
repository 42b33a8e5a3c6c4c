import { describe, expect, it } from 'vitest';
import { type OutputRecord, sizeValue, timeSpanValue } from '../../../src/cmdlets/output.ts';
import { readPipeline, runPipeline } from '../../../src/shell/pipeline.ts';
import type { ShellOptions } from '../../../src/shell/shell-options.ts';
import { formatValue } from '../../../src/shell/values.ts';

const QUEUES: readonly OutputRecord[] = [
  {
    Identity: 'HUB01\\3',
    Status: 'Retry',
    MessageCount: 12,
    Oldest: timeSpanValue(60_000),
    Size: sizeValue(2048),
    Tags: ['a', 'b'],
  },
  { Identity: 'HUB01\\1', Status: 'Ready', MessageCount: 0, Oldest: null, Size: sizeValue(0), Tags: [] },
  {
    Identity: 'HUB01\\2',
    Status: 'Retry',
    MessageCount: 3,
    Oldest: timeSpanValue(1000),
    Size: sizeValue(1024),
    Tags: ['b'],
  },
];

function pipe(...words: string[]): readonly OutputRecord[] {
  return runPipeline(QUEUES, readPipeline(words, {}).stages);
}

function identities(records: readonly OutputRecord[]): unknown[] {
  return records.map((record) => formatValue(record['Identity']).at(-1));
}

describe('| where', () => {
  it.each([
    [
      ['|', 'where', 'Status', '-eq', 'retry'],
      ['3', '2'],
    ],
    [['| where MessageCount -gt 3'], ['3']],
    [['|', 'where', "Status -eq 'Retry' -and MessageCount -lt 10"], ['2']],
    [
      ['|', 'where', '{', '$_.Status', '-ne', 'Ready', '}'],
      ['3', '2'],
    ],
    [['|', '?', 'Oldest', '-ge', '00:01:00'], ['3']],
    [['|', 'Where-Object', 'Size', '-ge', '2KB'], ['3']],
    [['|', 'where', 'Tags', '-like', '*a*'], ['3']],
    [['|', 'where', 'Status', '-eq', 'no such'], []],
  ])('%j', (words, expected) => {
    expect(identities(pipe(...words))).toEqual(expected);
  });

  it.each([
    [['|', 'where'], /needs a comparison/],
    [['|', 'where', 'Statu', '-eq', 'x'], /"Statu" is not one of the properties .*did you mean Status\?/],
    [['|', 'where', 'Status', 'is', 'x'], /\| where, column 8: "is" is not one of the operators/],
  ])('%j is refused', (words, sentence) => {
    expect(() => pipe(...words)).toThrow(sentence);
  });
});

describe('| sort', () => {
  it.each([
    [
      ['|', 'sort', 'MessageCount'],
      ['1', '2', '3'],
    ],
    [
      ['|', 'sort', 'messagecount', '-Descending'],
      ['3', '2', '1'],
    ],
    [
      ['|', 'sort', 'Oldest'],
      ['1', '2', '3'],
    ],
    [
      ['|', 'sort', 'Status,MessageCount'],
      ['1', '2', '3'],
    ],
    [
      ['|', 'sort-object', 'Identity', '-desc'],
      ['3', '2', '1'],
    ],
  ])('%j', (words, expected) => {
    expect(identities(pipe(...words))).toEqual(expected);
  });

  it('is refused without a property that is there', () => {
    expect(() => pipe('|', 'sort')).toThrow(/needs a property/);
    expect(() => pipe('|', 'sort', 'Mesages')).toThrow(/no property "Mesages"/);
  });
});

describe('| select', () => {
  it('picks properties, in the order typed', () => {
    expect(pipe('|', 'select', 'status,identity', '-First', '1')).toEqual([{ Status: 'Retry', Identity: 'HUB01\\3' }]);
  });

  it('takes the first and the last', () => {
    expect(identities(pipe('|', 'select', '-First', '2'))).toEqual(['3', '1']);
    expect(identities(pipe('|', 'select', '-last', '1'))).toEqual(['2']);
  });

  it.each([
    [['|', 'select'], /needs properties or a count/],
    [['|', 'select', '-First', 'x'], /whole number from 1 on/],
    [['|', 'select', '-First', '1', '-Last', '1'], /not both/],
    [['|', 'select', '-Unique'], /"-Unique" is no property/],
  ])('%j is refused', (words, sentence) => {
    expect(() => pipe(...words)).toThrow(sentence);
  });
});

describe('| measure', () => {
  it('counts', () => {
    expect(pipe('|', 'measure')).toEqual([{ Count: 3 }]);
    expect(pipe('|', 'where', 'MessageCount', '-gt', '99', '|', 'measure')).toEqual([{ Count: 0 }]);
  });

  it('adds numbers, sizes and durations up', () => {
    expect(pipe('|', 'measure', 'MessageCount,Size,Oldest', '-Sum')).toEqual([
      { Property: 'MessageCount', Count: 3, Sum: 15, Average: 5, Minimum: 0, Maximum: 12 },
      {
        Property: 'Size',
        Count: 3,
        Sum: sizeValue(3072),
        Average: sizeValue(1024),
        Minimum: sizeValue(0),
        Maximum: sizeValue(2048),
      },
      {
        Property: 'Oldest',
        Count: 2,
        Sum: timeSpanValue(61_000),
        Average: timeSpanValue(30_500),
        Minimum: timeSpanValue(1000),
        Maximum: timeSpanValue(60_000),
      },
    ]);
  });

  it('does not add texts up', () => {
    expect(() => pipe('|', 'measure', 'Status')).toThrow(/Status cannot be added up/);
    expect(() => pipe('|', 'measure', 'MessageCount', '-Median')).toThrow(/no parameter -Median/);
  });
});

describe('several stages', () => {
  it('work one on the result of the other', () => {
    const words = ['|', 'where', 'Status', '-eq', 'Retry', '|', 'sort', 'MessageCount', '|', 'select', '-First', '1'];
    expect(identities(pipe(...words))).toEqual(['2']);
  });

  it('end in a format, and leave the options of the shell to it', () => {
    const options: ShellOptions = {};
    const { stages, isReshaping } = readPipeline(['|', 'select', 'Identity', '--config', 'x.yaml', '|', 'fl'], options);
    expect([stages.length, isReshaping, options]).toEqual([1, true, { view: 'list', config: 'x.yaml' }]);
  });

  it('have no format in the middle, and nothing that is unknown', () => {
    expect(() => pipe('|', 'fl', '|', 'where', 'Status', '-eq', 'x')).toThrow(/so it comes last/);
    expect(() => pipe('|', 'less')).toThrow(/"\| less" is not understood here/);
    expect(() => pipe('|')).toThrow(/is not understood here/);
  });
});
