// On an Edge: says so when no hub has synchronized it for a day. An Edge hears of its hubs by EdgeSync alone, so this is how one
// notices that its site has lost them (exchange: an orphaned Edge). It goes on with what it holds: mail for the Internet leaves,
// mail for the organisation waits for a hub to come back.

import type { Cancel, Clock } from '../clock.ts';
import type { EventLog } from '../tracking/event-log.ts';
import { createEvent } from '../tracking/events.ts';

export interface SilenceWatchOptions {
  readonly clock: Clock;
  readonly events: Pick<EventLog, 'record'>;
  /** When the last round that succeeded was; undefined while this Edge is not subscribed. */
  readonly lastRound: () => Date | undefined;
  /** The hubs that EdgeSync has brought, for the sentence. */
  readonly hubs: () => readonly string[];
}

const HOUR_MS = 3_600_000;
/** Twenty-four rounds at the longest interval that Exchange has by default (2007: 1 h). */
export const SILENCE_MS = 24 * HOUR_MS;

/** Looks at once and then every hour; call what it returns to stop. */
export function watchSilence(options: SilenceWatchOptions): Cancel {
  let cancelTimer: Cancel = () => {};
  const look = (): void => {
    reportSilence(options);
    cancelTimer = options.clock.schedule(HOUR_MS, look);
  };
  look();
  return () => cancelTimer();
}

function reportSilence({ clock, events, lastRound, hubs }: SilenceWatchOptions): void {
  const since = lastRound();
  if (!since || clock.now().getTime() - since.getTime() < SILENCE_MS) return;
  events.record(createEvent('EdgeNotSynchronized', { since, hubs: hubs().join(', ') || 'none' }));
}
