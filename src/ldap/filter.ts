// Whether an entry matches a search filter: three-valued, as RFC 4511 §4.5.1.7 wants it. How values compare is handed in
// (matching-rules.ts). The text form is filter-text.ts, the BER form filter-ber.ts.

import { parseDn } from './dn.ts';
import { getValues, type LdapEntry } from './entry.ts';
import type { Extensible, Filter } from './filter-tree.ts';
import { caseIgnoreRules, type MatchingRules } from './matching-rules.ts';

export { escapeFilterValue, formatFilter, parseFilter } from './filter-text.ts';
export type { Filter } from './filter-tree.ts';
export { caseIgnoreRules, type MatchingRule, type MatchingRules } from './matching-rules.ts';

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
      return evaluateExtensible(filter, entry, rules);
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
  const values = valuesOf(item.attribute, entry, rules);
  if (item.kind === 'present') return values.length > 0;
  if (rules.canAsk?.(item) === false) return undefined;
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

/** Without a rule it is the attribute's equality, without an attribute every one that the rule is for (RFC 4511 §4.5.1.7.7). */
function evaluateExtensible(item: Extensible, entry: LdapEntry, rules: MatchingRules): boolean | undefined {
  const { attribute, value: assertion } = item;
  if (attribute !== undefined && !rules.knows(attribute)) return undefined;
  if (item.rule === undefined) {
    if (attribute === undefined) return undefined;
    if (rules.canAsk?.({ kind: 'equal', attribute, value: assertion }) === false) return undefined;
    return combine(valuesAskedFor(item, entry, rules), true, ({ value }) => rules.equals(attribute, value, assertion));
  }
  const rule = rules.rule?.(item.rule);
  if (!rule?.canAssert(assertion) || (attribute !== undefined && !rule.appliesTo(attribute))) return undefined;
  const values = valuesAskedFor(item, entry, rules).filter(({ type }) => rule.appliesTo(type));
  return combine(values, true, ({ value }) => rule.matches(value, assertion));
}

interface TypedValue {
  readonly type: string;
  readonly value: Buffer;
}

function valuesAskedFor(item: Extensible, entry: LdapEntry, rules: MatchingRules): TypedValue[] {
  const names =
    item.attribute === undefined ? [...entry.attributes.keys()].filter((name) => rules.knows(name)) : [item.attribute];
  const stored = names.flatMap((type) => valuesOf(type, entry, rules).map((value) => ({ type, value })));
  return item.dnAttributes ? [...stored, ...namingValues(item, entry, rules)] : stored;
}

/** Values in the entry's name, of the attribute that was asked for or of any. */
function namingValues({ attribute }: Extensible, entry: LdapEntry, rules: MatchingRules): TypedValue[] {
  const spell = (name: string): string => (rules.spell?.(name) ?? name).toLowerCase();
  const wanted = attribute === undefined ? undefined : spell(attribute);
  return parseDn(entry.dn)
    .flat()
    .filter(({ type, encoded }) => !encoded && rules.knows(type) && (wanted ?? spell(type)) === spell(type))
    .map(({ type, value }) => ({ type, value: Buffer.from(value) }));
}

function valuesOf(attribute: string, entry: LdapEntry, rules: MatchingRules): readonly Buffer[] {
  return getValues(entry, rules.spell?.(attribute) ?? attribute);
}
