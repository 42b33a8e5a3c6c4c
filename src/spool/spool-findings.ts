// How a look at a spool tells of what it has found: messages that are set aside, files that nobody will ever ask for.

import { join } from 'node:path';
import { keptJournals } from './journal-damage.ts';
import type { DamagedMessage, SpoolFinding } from './spool.ts';

/** A damaged message, and nothing done about it. */
export function messageFinding({ id, reason }: Pick<DamagedMessage, 'id' | 'reason'>): SpoolFinding {
  return { entry: String(id), kind: 'message', reason };
}

/** One that was set aside. */
export function setAsideFinding(message: Pick<DamagedMessage, 'id' | 'reason'>): SpoolFinding {
  return { ...messageFinding(message), action: 'set aside in Poison' };
}

/** A body that belongs to no message; what is done about it is for others to say, as with `foreignFinding`. */
export function orphanFinding(entry: string): SpoolFinding {
  return { entry, kind: 'orphan', reason: 'it belongs to no message' };
}

/** A file that is none of the spool's. */
export function foreignFinding(entry: string): SpoolFinding {
  return { entry, kind: 'foreign', reason: 'it is no file of the spool' };
}

/** Damaged journals that are kept in the spool of this folder. */
export function journalFindings(folder: string): SpoolFinding[] {
  return keptJournals(folder).map((name) => ({
    entry: join(folder, 'damaged', name),
    kind: 'journal',
    reason: 'a place in it cannot be read, nor what followed it: mail that was accepted may be missing',
    action: 'kept until it is removed by hand, with bodies that belong to no message',
  }));
}
