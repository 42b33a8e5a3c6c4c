// What AD's change feed says to a type that asks for what changed under some containers. The feed comes in pieces; small
// containers are read to the end here, recipients are their own type's affair.

import type { ActiveDirectory } from '../directory/active-directory.ts';

export interface FeedAnswer {
  /** Where the feed stood before anything was read; undefined when AD keeps none. */
  readonly position: string | undefined;
  /** False when nothing has changed since. */
  readonly hasChanges: boolean;
}

/** Throws Problem `position-unknown` when AD cannot tell what changed since then. */
export async function askFeed(
  activeDirectory: ActiveDirectory,
  bases: readonly string[],
  since: string | undefined,
): Promise<FeedAnswer> {
  const answers: FeedAnswer[] = [];
  for (const base of bases) answers.push(await readToEnd(activeDirectory, base, since));
  // The first was read before the others, so from there on nothing is missed.
  return { position: answers[0]?.position, hasChanges: answers.some(({ hasChanges }) => hasChanges) };
}

async function readToEnd(
  activeDirectory: ActiveDirectory,
  base: string,
  since: string | undefined,
): Promise<FeedAnswer> {
  let position = since;
  let hasChanges = since === undefined;
  for (;;) {
    const page = await activeDirectory.readChanges(base, position);
    if (!page) return { position: undefined, hasChanges: true };
    position = page.position;
    hasChanges ||= page.changed.length > 0 || page.deleted.length > 0;
    if (page.isLast) return { position, hasChanges };
  }
}
