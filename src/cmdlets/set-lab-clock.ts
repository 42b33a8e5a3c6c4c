// Set-LabClock: moves the clock of a server that runs in a laboratory, or has it run faster. What has become due on the way
// happens, as it does when time passes; certificates, credentials and schedules follow. A server that serves people has no such
// clock.

import { type Clock, type ClockCourse, describeClock, MAX_CLOCK_SPEED } from '../clock.ts';
import { parseClockOffset } from '../duration.ts';
import { Problem } from '../problem.ts';
import { createEvent } from '../tracking/events.ts';
import { defineCmdlet } from './cmdlet.ts';
import { labClockRecord } from './get-lab-clock.ts';
import type { Arguments, Parameters } from './parameters.ts';
import type { ServerContext } from './server-context.ts';

const PARAMETERS = {
  Offset: {
    type: 'string',
    help: 'From the clock of the machine: +400d, -2h, or a date such as 2027-12-24T20:00:00Z; where it stands when absent',
  },
  Speed: {
    type: 'integer',
    minimum: 0,
    maximum: MAX_CLOCK_SPEED,
    help: 'How many times as fast as the clock of the machine: 3600 makes a second an hour, 0 stops it; as before when absent',
  },
  Since: {
    type: 'date',
    help: 'The moment of the machine at which Offset and Speed began, so that several servers show the same time; now when absent',
  },
} as const satisfies Parameters;

export const setLabClock = defineCmdlet({
  name: 'Set-LabClock',
  roles: ['hub', 'edge'],
  synopsis: 'Move the clock of a laboratory server, or have it run faster',
  description:
    'Only in a server that was started with --lab or by "relaypair up". Everything that waits for a date or an hour follows; timeouts of connections, handshakes and SMTP stay real. Move Hub and Edge alike, and no further at a time than a credential lives (90 days) with a synchronization in between: a server that sleeps longer has to be subscribed again. "relaypair lab clock" does all of that for both.',
  examples: ['Set-LabClock -Offset +30d', 'Set-LabClock -Speed 3600', 'Set-LabClock -Offset +0d -Speed 1'],
  parameters: PARAMETERS,
  positional: ['Offset'],
  table: ['Clock', 'Speed', 'UtcNow', 'MachineUtcNow'],
  changes: true,
  run({ clock, labClock, events }: ServerContext, parameters) {
    if (!labClock)
      throw new Problem(
        'not-a-laboratory',
        'this server serves people and its clock is not moved: start one with --lab, or with "relaypair up"',
      );
    const from = clock.now();
    labClock.run(chooseCourse(clock, parameters));
    const offset = describeClock(clock) ?? 'not moved';
    events.record(createEvent('ClockMoved', { from, to: clock.now(), offset }));
    return { records: [labClockRecord(clock, true)] };
  },
});

/** Throws Problem `missing-value`, `bad-value` or `bad-clock`. */
function chooseCourse(clock: Clock, { Offset, Speed, Since }: Arguments<typeof PARAMETERS>): ClockCourse {
  if (Offset === undefined && (Speed === undefined || Since !== undefined)) {
    const sentence = Since === undefined ? 'give -Offset, -Speed or both' : '-Since goes with -Offset: give both';
    throw new Problem('missing-value', sentence);
  }
  const now = new Date();
  if (Since !== undefined && Since > now)
    throw new Problem('bad-value', '-Since: a course begins now or has begun, and this date is still to come');
  const since = Since ?? now;
  const offsetMs = Offset === undefined ? clock.offsetMs : parseClockOffset(Offset, since);
  return { offsetMs, speed: Speed ?? clock.speed, since };
}
