// `relaypair lab clock`: both servers of a laboratory moved together over their control sockets, as time that passes.

import { describeOffset } from '../clock.ts';
import type { OutputRecord } from '../cmdlets/output.ts';
import type { Role } from '../config.ts';
import { callCmdlet } from '../control/client.ts';
import { type AskServer, steerLabClocks } from '../control/lab-clocks.ts';
import type { LabClockOptions } from './doors.ts';

export interface LabClockRun extends Omit<LabClockOptions, 'configs'> {
  readonly sockets: Readonly<Record<Role, string>>;
  readonly onProgress: (text: string) => void;
}

/** Moves what is asked for, and says how both stand then, the Hub first. Throws Problem when a server is away or refuses. */
export async function runLabClock({ sockets, offsetMs, speed, onProgress }: LabClockRun): Promise<OutputRecord[]> {
  const ask: AskServer = (role, cmdlet, parameters) =>
    callCmdlet(sockets[role], { cmdlet, parameters }, { startCommand: `relaypair ${role} --lab` });
  if (offsetMs !== undefined || speed !== undefined) {
    await steerLabClocks(ask, {
      toMs: offsetMs,
      speed,
      onStep: (atMs) => onProgress(`both clocks stand at ${describeOffset(atMs) ?? 'the time of the machine'}`),
      onFailure: (sentence) => onProgress(`EdgeSync: ${sentence}`),
    });
  }
  const shown: OutputRecord[] = [];
  for (const role of ['hub', 'edge'] as const) {
    const { records } = await ask(role, 'Get-LabClock', {});
    shown.push(...records.map((record) => ({ Server: role, ...record })));
  }
  return shown;
}
