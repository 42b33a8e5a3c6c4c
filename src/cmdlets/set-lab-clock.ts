// Set-LabClock: moves the clock of a server that runs in a laboratory. What has become due on the way happens, as it does when
// time passes; certificates, credentials and schedules follow. A server that serves people has no such clock.

import { describeOffset } from '../clock.ts';
import { parseClockOffset } from '../duration.ts';
import { Problem } from '../problem.ts';
import { createEvent } from '../tracking/events.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { ServerContext } from './server-context.ts';

export const setLabClock = defineCmdlet({
  name: 'Set-LabClock',
  roles: ['hub', 'edge'],
  synopsis: 'Move the clock of a laboratory server',
  description:
    'Only in a server that was started with --lab or by "relaypair up". The offset counts from the clock of the machine. Move Hub and Edge alike, and no further at a time than a credential lives (90 days) with a synchronization in between: a server that sleeps longer has to be subscribed again.',
  examples: ['Set-LabClock -Offset +30d', 'Set-LabClock -Offset +0d'],
  parameters: {
    Offset: {
      type: 'string',
      required: true,
      help: 'From the clock of the machine: +400d, -2h, or a date such as 2027-12-24T20:00:00Z',
    },
  },
  positional: ['Offset'],
  table: ['Offset', 'UtcNow'],
  changes: true,
  run({ clock, labClock, events }: ServerContext, { Offset }) {
    if (!labClock)
      throw new Problem(
        'not-a-laboratory',
        'this server serves people and its clock is not moved: start one with --lab, or with "relaypair up"',
      );
    const from = clock.now();
    const offsetMs = parseClockOffset(Offset, new Date());
    labClock.move(offsetMs - clock.offsetMs);
    const offset = describeOffset(clock.offsetMs) ?? 'not moved';
    events.record(createEvent('ClockMoved', { from, to: clock.now(), offset }));
    return { records: [{ Offset: offset, UtcNow: clock.now() }] };
  },
});
