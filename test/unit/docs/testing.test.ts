// docs/testing.md shows the very files that the tests run.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const ROOT = new URL('../../../', import.meta.url);

const page = readFileSync(new URL('docs/testing.md', ROOT), 'utf8');
const shown = [...page.matchAll(/<!-- (test\/examples\/\S+) -->\n```ts\n(.*?)```/gs)];

it('has every example as it is run, and no other', () => {
  for (const [, path, text] of shown) expect(text).toBe(readFileSync(new URL(path ?? '', ROOT), 'utf8'));
  const names = shown.map(([, path]) => path?.replace('test/examples/', ''));
  expect(new Set(names)).toEqual(new Set(readdirSync(new URL('test/examples', ROOT))));
  expect(names).toHaveLength(new Set(names).size);
  expect(page.match(/```ts/g)).toHaveLength(shown.length);
});
