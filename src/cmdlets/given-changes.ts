// "Set- changes only what was given": turns parameters into the changes of a directory object. A parameter that was not given
// leaves its property alone; one that was given as $null, empty or unlimited takes it away.

/** Stands for a property that is to be taken away, since undefined stands for a parameter that was not given. */
const CLEARED = Symbol('cleared');
type Cleared = typeof CLEARED;

/** What was given for each property of T, undefined where nothing was. */
export type GivenChanges<T> = { readonly [K in keyof T]?: T[K] | Cleared | undefined };

/** The properties that were given; cleared ones are there as undefined. */
export function changesOf<T>(given: GivenChanges<T>): Partial<T> {
  const kept = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept.map(([name, value]) => [name, value === CLEARED ? undefined : value])) as Partial<T>;
}

/** A text that may be taken away by $null. */
export function clearableText(text: string | undefined): string | Cleared | undefined {
  return text === '' ? CLEARED : text;
}

/** A number whose absence in the directory means unlimited. */
export function clearableLimit(limit: number | 'unlimited' | undefined): number | Cleared | undefined {
  return limit === 'unlimited' ? CLEARED : limit;
}

/** A size that must not be unlimited: the directory's rules refuse Infinity and name the range. */
export function finiteSize(size: number | 'unlimited' | undefined): number | undefined {
  return size === 'unlimited' ? Number.POSITIVE_INFINITY : size;
}

/** The directory keeps whole milliseconds. */
export function wholeMs(durationMs: number | undefined): number | undefined {
  return durationMs === undefined ? undefined : Math.round(durationMs);
}

/** What Exchange says too when a Set- was run without a setting. */
export function unchangedWarnings(name: string, changes: object): readonly string[] {
  return Object.keys(changes).length === 0 ? [`No setting of "${name}" was given, so nothing has changed.`] : [];
}
