// A search filter as a tree (RFC 4511 §4.5.1.7): what filter-text.ts and filter-ber.ts read and write and filter.ts evaluates.

import type { SubstringPattern } from './matching-rules.ts';

/** How deep `&`, `|` and `!` may stand in each other: more is refused by both readers, so that no reader or matcher runs out of stack. */
export const MAX_FILTER_DEPTH = 100;

export type Filter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly kind: 'not'; readonly filter: Filter }
  | { readonly kind: 'present'; readonly attribute: string }
  | Comparison
  | ({ readonly kind: 'substring'; readonly attribute: string } & SubstringPattern)
  | Extensible;

export interface Comparison {
  readonly kind: 'equal' | 'greater-or-equal' | 'less-or-equal' | 'approximate';
  readonly attribute: string;
  readonly value: Buffer;
}

/** `attribute:dn:rule:=value` (RFC 4511 §4.5.1.7.7): with `dnAttributes` the parts of the entry's name are asked too. */
export interface Extensible {
  readonly kind: 'extensible';
  readonly attribute?: string;
  readonly rule?: string;
  readonly dnAttributes: boolean;
  readonly value: Buffer;
}
