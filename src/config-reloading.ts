// Reads the config again while the server runs, at SIGHUP or by Update-Configuration, and has it in the event log.

import type { LiveConfig, Reload } from './config-live.ts';
import { isProblem } from './problem.ts';
import type { EventLog } from './tracking/event-log.ts';
import { createEvent } from './tracking/events.ts';

/** Throws the Problem of a file that cannot be used, once it is on record; then the config in force stays. */
export function reloadConfig(live: LiveConfig, events: Pick<EventLog, 'record'>): Reload {
  const { path } = live.current();
  try {
    const reload = live.reload();
    const [applied, waiting] = [reload.applied, reload.needsRestart].map((names) => names.join(', ') || 'nothing');
    events.record(createEvent('ConfigurationReloaded', { path, applied: applied ?? '', needsRestart: waiting ?? '' }));
    return reload;
  } catch (error) {
    if (isProblem(error)) events.record(createEvent('ConfigurationRefused', { cause: error.message }));
    throw error;
  }
}
