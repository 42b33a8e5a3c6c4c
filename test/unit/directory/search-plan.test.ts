import { describe, expect, it } from 'vitest';
import { planSearch } from '../../../src/directory/search-plan.ts';
import { parseFilter } from '../../../src/ldap/filter.ts';

const A = '11111111-0000-4000-8000-000000000000';
const B = '22222222-0000-4000-8000-000000000000';
const key = (value: string) => ({ attribute: 'entryUUID', key: value });

describe('plan of a search', () => {
  it.each([
    ['a value', `(entryuuid=${A.toUpperCase()})`, [key(A)]],
    ['a value among other conditions', `(&(cn=x)(entryUUID=${A})(!(cn=y)))`, [key(A)]],
    ['one of several values', `(|(entryUUID=${A})(entryUUID=${B}))`, [key(A), key(B)]],
    ['a value and a range', `(&(uSNChanged>=5)(entryUUID=${A}))`, [key(A)]],
    ['a value that cannot be one', '(entryUUID=nonsense)', []],
  ])('looks up %s', (_what, filter, keys) => {
    expect(planSearch(parseFilter(filter))).toEqual({ kind: 'values', keys });
  });

  it.each([
    ['(uSNChanged>=5)', 5, Number.MAX_SAFE_INTEGER],
    ['(&(uSNChanged>=5)(usnchanged<=9)(cn=x))', 5, 9],
    ['(uSNChanged<=9)', 0, 9],
  ])('reads the changes of %s', (filter, from, to) => {
    expect(planSearch(parseFilter(filter))).toEqual({ kind: 'changes', from, to });
  });

  it.each([
    '(cn=x)',
    `(|(cn=x)(entryUUID=${A}))`,
    `(!(entryUUID=${A}))`,
    '(entryUUID=*)',
    '(&)',
    '(|)',
    '(uSNChanged>=x)',
  ])('has none for %s', (filter) => {
    expect(planSearch(parseFilter(filter))).toBeUndefined();
  });
});
