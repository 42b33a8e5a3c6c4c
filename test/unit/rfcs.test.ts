import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url);
const page = readFileSync(new URL('docs/rfcs.md', ROOT), 'utf8');
const listOf = (cell: string): string[] => (cell === 'none' ? [] : cell.split(', '));
const rows = [...page.matchAll(/^\| (\d{4}) \|(.*)\|$/gm)].map(([, rfc = '', rest = '']) => {
  const cells = rest.split('|').map((cell) => cell.trim());
  const [what = '', state = '', files = '', tests = ''] = cells;
  return { rfc, what, state, files: listOf(files), tests: listOf(tests), width: cells.length };
});

describe('docs/rfcs.md', () => {
  it('has rows', () => {
    expect(rows.length).toBeGreaterThan(10);
  });

  it.each(rows)(
    'says of RFC $rfc, $what, where it is done and which test shows it',
    ({ rfc, state, files, tests, width }) => {
      expect(width, 'what, state, file, test').toBe(4);
      const isDone = !state.startsWith('not done');
      expect([files.length > 0, tests.length > 0]).toEqual([isDone, isDone]);
      for (const file of files) expect(readFileSync(new URL(file, ROOT), 'utf8')).toContain(rfc);
      for (const test of tests) expect(existsSync(new URL(test, ROOT)), test).toBe(true);
    },
  );
});
