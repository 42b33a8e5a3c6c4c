// Get-LabClock: what time this server believes it is, how far that is from the machine's clock, and how fast it runs.

import { type Clock, describeClock } from '../clock.ts';
import { defineCmdlet } from './cmdlet.ts';
import type { OutputRecord } from './output.ts';
import type { ServerContext } from './server-context.ts';

export const getLabClock = defineCmdlet({
  name: 'Get-LabClock',
  roles: ['hub', 'edge'],
  synopsis: 'Show the clock of this server and how it differs from that of the machine',
  description: 'IsLaboratory says whether Set-LabClock can move it.',
  examples: ['Get-LabClock', 'Get-LabClock --json'],
  parameters: {},
  table: ['Clock', 'Speed', 'UtcNow', 'MachineUtcNow'],
  changes: false,
  run({ clock, labClock }: ServerContext) {
    return { records: [labClockRecord(clock, labClock !== undefined)] };
  },
});

/** How both cmdlets of the clock show it. */
export function labClockRecord(clock: Clock, isLaboratory: boolean): OutputRecord {
  const machine = new Date();
  return {
    Clock: describeClock(clock) ?? 'not moved',
    Speed: clock.speed,
    // Counted from the same moment, so that the difference of the two is the offset.
    UtcNow: new Date(machine.getTime() + Math.round(clock.offsetMs)),
    MachineUtcNow: machine,
    IsLaboratory: isLaboratory,
  };
}
