// Which entries of the embedded directory a search has to look at: by an index where the filter allows it (search-plan.ts),
// else by walking the tree. Deleted entries are seen by those alone who search under Deleted Objects.

import { normalizeDn } from '../ldap/dn.ts';
import type { LdapEntry } from '../ldap/entry.ts';
import type { Filter } from '../ldap/filter.ts';
import type { DirectoryQuery, SearchScope } from './directory.ts';
import type { EntryStore, StoredEntry } from './entry-store.ts';
import { layoutOf } from './layout.ts';
import { planSearch, type SearchPlan } from './search-plan.ts';

interface Scope {
  readonly baseKey: string;
  readonly scope: SearchScope;
  readonly withDeleted: boolean;
}

export class EntrySearch {
  readonly #store: EntryStore;
  readonly #deletedKey: string;

  constructor(store: EntryStore, namingContext: string) {
    this.#store = store;
    this.#deletedKey = normalizeDn(layoutOf(namingContext).deletedObjects);
  }

  /** Entries in scope, all that the filter matches among them; undefined when the base is not there. */
  candidates({ base, scope }: DirectoryQuery, filter: Filter | undefined): Iterable<StoredEntry> | undefined {
    const baseKey = normalizeDn(base);
    const withDeleted = baseKey === this.#deletedKey || baseKey.endsWith(`,${this.#deletedKey}`);
    if (scope === 'base') {
      const entry = withDeleted ? this.#store.findAny(baseKey) : this.#store.find(baseKey);
      return entry && [entry];
    }
    if (!this.#store.has(baseKey)) return undefined;
    const plan = filter && planSearch(filter);
    if (plan) return this.#planned(plan, { baseKey, scope, withDeleted });
    return scope === 'sub'
      ? this.#store.subtree(baseKey, { withDeleted })
      : this.#store.children(baseKey, { withDeleted });
  }

  /**
   * The names of entries that have one value, which the index alone can tell: nothing of the entries is read. Undefined
   * for any other question.
   */
  namesByIndex({ base, scope, attributes }: DirectoryQuery, filter: Filter | undefined): LdapEntry[] | undefined {
    if (filter?.kind !== 'equal' || attributes?.length !== 1 || attributes[0] !== '1.1' || scope === 'base')
      return undefined;
    const plan = planSearch(filter);
    const baseKey = normalizeDn(base);
    if (plan?.kind !== 'values' || !this.#store.has(baseKey)) return undefined;
    const where = { baseKey, scope, withDeleted: false };
    return plan.keys
      .flatMap(({ attribute, key }) => this.#store.namesByValue(attribute, key))
      .filter((entry) => isInScope(entry, where))
      .map(({ dn }) => ({ dn, attributes: new Map() }));
  }

  *#planned(plan: SearchPlan, where: Scope): Generator<StoredEntry> {
    const seen = new Set<number>();
    for (const entry of this.#found(plan)) {
      if (seen.has(entry.id) || !isInScope(entry, where)) continue;
      seen.add(entry.id);
      yield entry;
    }
  }

  *#found(plan: SearchPlan): Generator<StoredEntry> {
    if (plan.kind === 'changes') {
      yield* this.#store.byChange(plan.from, plan.to);
    } else {
      for (const { attribute, key } of plan.keys) yield* this.#store.byValue(attribute, key);
    }
  }
}

function isInScope(
  { dnKey, isDeleted }: Pick<StoredEntry, 'dnKey' | 'isDeleted'>,
  { baseKey, scope, withDeleted }: Scope,
): boolean {
  if (isDeleted && !withDeleted) return false;
  if (scope === 'one') return dnKey.slice(dnKey.indexOf(',') + 1) === baseKey;
  return dnKey === baseKey || dnKey.endsWith(`,${baseKey}`);
}
