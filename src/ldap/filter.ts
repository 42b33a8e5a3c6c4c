// Whether an entry matches a search filter: three-valued, as RFC 4511 §4.5.1.7 wants it. How values compare is handed in
// (matching-rules.ts). The text form is filter-text.ts, the BER form filter-ber.ts.

import { getValues, type LdapEntry } from './entry.ts';
import type { Filter } from './filter-tree.ts';
import { caseIgnoreRules, type MatchingRules } from './matching-rules.ts';

export { escapeFilterValue, formatFilter, parseFilter } from './filter-text.ts';
export type { Filter } from './filter-tree.ts';
export { caseIgnoreRules, type MatchingRules } from './matching-rules.ts';

/** True when the entry matches; false and Undefined are both no match. */
export function matchFilter(filter: Filter, entry: LdapEntry, rules: MatchingRules = caseIgnoreRules): boolean {
  return evaluate(filter, entry, rules) === true;
}

/** Undefined is the RFC's third value. */
function evaluate(filter: Filter, entry: LdapEntry, rules: MatchingRules): boolean | undefined {
  switch (filter.kind) {
    case 'and':
      return combine(filter.filters, false, (item) => evaluate(item, entry, rules));
    case 'or':
      return combine(filter.filters, true, (item) => evaluate(item, entry, rules));
    case 'not': {
      const inner = evaluate(filter.filter, entry, rules);
      return inner === undefined ? undefined : !inner;
    }
    case 'extensible':
      return undefined;
    default:
      return rules.knows(filter.attribute) ? evaluateItem(filter, entry, rules) : undefined;
  }
}

/** `&` is decided by the first FALSE, `|` by the first TRUE; empty ones are TRUE and FALSE (RFC 4526). */
function combine<T>(
  items: readonly T[],
  deciding: boolean,
  evaluateOne: (item: T) => boolean | undefined,
): boolean | undefined {
  let isUndefined = false;
  for (const item of items) {
    const value = evaluateOne(item);
    if (value === deciding) return deciding;
    if (value === undefined) isUndefined = true;
  }
  return isUndefined ? undefined : !deciding;
}

type Item = Exclude<Filter, { kind: 'and' | 'or' | 'not' | 'extensible' }>;

/** TRUE when any value matches; FALSE when there is no value. */
function evaluateItem(item: Item, entry: LdapEntry, rules: MatchingRules): boolean | undefined {
  const values = getValues(entry, item.attribute);
  if (item.kind === 'present') return values.length > 0;
  return combine(values, true, (value) => evaluateValue(item, value, rules));
}

function evaluateValue(
  item: Exclude<Item, { kind: 'present' }>,
  value: Buffer,
  rules: MatchingRules,
): boolean | undefined {
  switch (item.kind) {
    case 'substring':
      return rules.substring(item.attribute, value, item);
    case 'equal':
    case 'approximate':
      return rules.equals(item.attribute, value, item.value);
    default: {
      const order = rules.order(item.attribute, value, item.value);
      if (order === undefined) return undefined;
      return item.kind === 'greater-or-equal' ? order >= 0 : order <= 0;
    }
  }
}
