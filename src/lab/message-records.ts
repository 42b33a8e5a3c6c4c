// What both servers wrote down about a letter, in the form in which their own doors tell of it, so that whoever draws a running pair
// draws this one too.

import { describeCard } from '../cmdlets/get-decision-card.ts';
import type { OutputRecord } from '../cmdlets/output.ts';
import { ROLES } from '../config.ts';
import type { TracedMessage } from './traced-message.ts';

/** Server by server, each in its order. */
export function recordsOf({ cards, tracking }: TracedMessage): OutputRecord[] {
  return ROLES.map((role) => ({
    Role: role,
    Tracking: tracking[role],
    Cards: cards[role].map(describeCard),
  }));
}
