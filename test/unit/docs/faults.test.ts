// Each test that docs/faults.md names is there, under that title.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);
const PAGE = readFileSync(new URL('docs/faults.md', ROOT), 'utf8');
const ROWS = PAGE.split('\n').filter((line) => /^\| (?!fault |---)/.test(line));
const NAMED = ROWS.flatMap((row) =>
  [...row.matchAll(/`(test\/[^`]+)`: (.+?)(?=<br>`| \|$)/g)].map(([, file = '', title = '']) => ({ file, title })),
);

describe('docs/faults.md', () => {
  it('has rows, each with a test', () => {
    expect(ROWS.length).toBeGreaterThan(20);
    expect(ROWS.filter((row) => !row.includes('`test/'))).toEqual([]);
  });

  it.each(NAMED)('names "$title" of $file, which is there', ({ file, title }) => {
    expect(readFileSync(new URL(file, ROOT), 'utf8').replaceAll("\\'", "'")).toContain(title);
  });
});
