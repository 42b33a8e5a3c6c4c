// Which entries a filter can match at all, as far as an index knows: pure. What it gives is a wider set that the filter is
// still asked about; without a plan the tree is walked.

import type { Filter } from '../ldap/filter.ts';
import { findAttributeType } from './schema.ts';
import { keyOf } from './schema-rules.ts';
import { isIndexed } from './value-index.ts';

export type SearchPlan =
  /** Entries that have one of these values. */
  | { readonly kind: 'values'; readonly keys: readonly { readonly attribute: string; readonly key: string }[] }
  /** Entries whose last change has a number in this range, both ends included. */
  | { readonly kind: 'changes'; readonly from: number; readonly to: number };

/** The cheapest way to a set that has all matches in it; undefined when there is none but looking everywhere. */
export function planSearch(filter: Filter): SearchPlan | undefined {
  switch (filter.kind) {
    case 'equal':
      return planEquality(filter.attribute, filter.value);
    case 'greater-or-equal':
    case 'less-or-equal':
      return planRange(filter.attribute, filter.value, filter.kind);
    case 'and':
      return filter.filters.map(planSearch).reduce(narrower, undefined);
    case 'or':
      return unite(filter.filters.map(planSearch));
    default:
      return undefined;
  }
}

function planEquality(name: string, value: Buffer): SearchPlan | undefined {
  const attribute = findAttributeType(name)?.name;
  if (attribute === undefined || !isIndexed(attribute)) return undefined;
  const key = keyOf(attribute, value);
  // What no value can be equal to matches nothing.
  return { kind: 'values', keys: key === undefined ? [] : [{ attribute, key }] };
}

function planRange(name: string, value: Buffer, kind: 'greater-or-equal' | 'less-or-equal'): SearchPlan | undefined {
  const bound = Number(value.toString('latin1'));
  if (findAttributeType(name)?.name !== 'uSNChanged' || !Number.isSafeInteger(bound)) return undefined;
  const isLower = kind === 'greater-or-equal';
  return { kind: 'changes', from: isLower ? bound : 0, to: isLower ? Number.MAX_SAFE_INTEGER : bound };
}

/** A value tells more than a range does, and two ranges are their overlap. */
function narrower(a: SearchPlan | undefined, b: SearchPlan | undefined): SearchPlan | undefined {
  if (!a || !b) return a ?? b;
  if (a.kind === 'changes' && b.kind === 'changes')
    return { kind: 'changes', from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) };
  return a.kind === 'values' ? a : b;
}

/** Only when every branch is found by values. */
function unite(plans: readonly (SearchPlan | undefined)[]): SearchPlan | undefined {
  const branches = plans.map((plan) => (plan?.kind === 'values' ? plan.keys : undefined));
  const known = branches.filter((keys) => keys !== undefined);
  return known.length === branches.length && known.length > 0 ? { kind: 'values', keys: known.flat() } : undefined;
}
