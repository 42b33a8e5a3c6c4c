import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('../../', import.meta.url);
const rows = [...readFileSync(new URL('docs/rfcs.md', ROOT), 'utf8').matchAll(/^\| (\d{4}) \|.*\| ([^|]+) \|$/gm)].map(
  ([, rfc, files]) => ({ rfc: rfc ?? '', files: (files ?? '').split(', ') }),
);

describe('docs/rfcs.md', () => {
  it('has rows', () => {
    expect(rows.length).toBeGreaterThan(10);
  });

  it.each(rows)('names files that name RFC $rfc', ({ rfc, files }) => {
    for (const file of files)
      expect(readFileSync(new URL(file, ROOT), 'utf8')).toMatch(new RegExp(`RFC ${rfc}|${rfc}`));
  });
});
