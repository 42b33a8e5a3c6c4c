// Whether AD's change feed has anything new under some containers, and where it stands. It comes in pieces and is read no
// further than the first change; recipients are their own type's affair.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ActiveDirectory } from '../directory/active-directory.ts';

/** Changes in memory at a time. */
const PIECE = 500;

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
  for (const base of bases) answers.push(await askFor(activeDirectory, base, since));
  // The first was read before the others, so from there on nothing is missed.
  return { position: answers[0]?.position, hasChanges: answers.some(({ hasChanges }) => hasChanges) };
}

/** Where there was a change is no question here: everything is compared then, and that begins after this answer. */
async function askFor(activeDirectory: ActiveDirectory, base: string, since: string | undefined): Promise<FeedAnswer> {
  const isFirst = since === undefined;
  let position = since;
  for (;;) {
    const page = await activeDirectory.readChanges(base, position, isFirst ? 1 : PIECE);
    if (!page) return { position: undefined, hasChanges: true };
    if (isFirst || page.changed.length > 0 || page.deleted.length > 0) return { position: page.head, hasChanges: true };
    if (page.isLast) return { position: page.position, hasChanges: false };
    position = page.position;
    // Changes of other objects, which may be very many: mail has its turn in between.
    await nextTurn();
  }
}
