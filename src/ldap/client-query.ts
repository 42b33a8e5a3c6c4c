// A search as callers ask for it, and as the request that goes over the wire (RFC 4511 §4.5.1).

import { type Filter, parseFilter } from './filter.ts';
import type { SearchRequest, SearchScope } from './request.ts';

export interface LdapQuery {
  base: string;
  scope: SearchScope;
  /** RFC 4515 text or a tree; `(objectClass=*)` when absent. */
  filter?: string | Filter;
  /** All user attributes when absent; `*`, `+` and `1.1` as in RFC 4511. */
  attributes?: readonly string[];
  /** Entries at most; what is over it is left out without a fault. */
  sizeLimit?: number;
  typesOnly?: boolean;
}

/** The request for a query; throws Problem `bad-filter`. */
export function makeSearchRequest(query: LdapQuery): SearchRequest {
  const filter = query.filter ?? '(objectClass=*)';
  return {
    base: query.base,
    scope: query.scope,
    sizeLimit: query.sizeLimit ?? 0,
    timeLimitSeconds: 0,
    typesOnly: query.typesOnly ?? false,
    filter: typeof filter === 'string' ? parseFilter(filter) : filter,
    attributes: query.attributes ?? [],
  };
}
