// Each test that docs/weaknesses.md names is there, under that title, in the file of its role.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FALSE_ENDINGS } from '../../helpers/false-endings.ts';

const ROOT = new URL('../../../', import.meta.url);
const PAGE = readFileSync(new URL('docs/weaknesses.md', ROOT), 'utf8');
const ROWS = PAGE.split('\n')
  .filter((line) => /^\| (?!weakness |---)/.test(line))
  .map((line) => line.split(' | '));

const NAMED = ROWS.flatMap(([, , listener = '', sender = '']) => [
  ...readTests(listener, 'listener'),
  ...readTests(sender, 'sender'),
]);

function readTests(cell: string, role: string) {
  const tests = [...cell.matchAll(/`(starttls|smuggling)`: (.+?)(?=<br>| \(| ?\|?$|; \[)/g)];
  return tests.map(([, subject = '', title = '']) => ({
    file: `test/contract/${subject}-weaknesses-${role}.test.ts`,
    title,
  }));
}

describe('docs/weaknesses.md', () => {
  it('has rows, each with a test', () => {
    expect(ROWS.length).toBeGreaterThan(14);
    for (const row of ROWS) expect(row).toHaveLength(4);
    expect(ROWS.filter((row) => !/`(?:starttls|smuggling)`: /.test(row.join(' | ')))).toEqual([]);
    expect(NAMED.length).toBeGreaterThan(40);
  });

  it.each(NAMED)('names "$title" of $file, which is there', ({ file, title }) => {
    expect(readFileSync(new URL(file, ROOT), 'utf8')).toContain(`'${title}`);
  });

  it('says how many false ends there are', () => {
    expect(PAGE).toContain(`a false end of data, ${FALSE_ENDINGS.length} of them`);
  });
});
