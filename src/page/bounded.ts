// Collections that cannot grow without end: the page may stay open for weeks. Pure; a new value for each change, so that a
// signal sees it.

/** `list` with `added` in front, the newest first, at most `limit`. */
export function prepend<Item>(list: readonly Item[], added: readonly Item[], limit: number): readonly Item[] {
  if (added.length === 0) return list;
  return [...added.toReversed().slice(0, limit), ...list].slice(0, limit);
}

/** `list` with `added` behind, the oldest gone, at most `limit`. */
export function append<Item>(list: readonly Item[], added: readonly Item[], limit: number): readonly Item[] {
  return added.length === 0 ? list : [...list, ...added].slice(-limit);
}
