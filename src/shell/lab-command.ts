// `relaypair lab ...`: what is done to a laboratory. Its options and arguments; what becomes of them is behind the doors.

import type { Command } from 'commander';
import { resolve } from 'node:path';
import { MAX_CLOCK_SPEED } from '../clock.ts';
import { parseClockOffset } from '../duration.ts';
import { Problem } from '../problem.ts';
import type { Doors } from './doors.ts';
import { DONE } from './exit-code.ts';
import { locateConfig } from './location.ts';
import { named } from './option.ts';
import { formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { formatJson } from './values.ts';

interface LabSurroundings {
  readonly doors: Doors;
  readonly terminal: Terminal;
  readonly finish: (work: () => Promise<number>) => Promise<void>;
}

interface TypedClock {
  readonly dir?: string;
  readonly offset?: string;
  readonly speed?: string;
  readonly json?: true;
}

/** Adds the commands under `lab`. */
export function addLabCommands(lab: Command, surroundings: LabSurroundings): void {
  const { finish } = surroundings;
  lab
    .command('clock')
    .description('Show the clocks of both servers, or move them together so that what is due on the way happens')
    .option('--dir <dir>', 'the folder that holds hub.yaml and edge.yaml')
    .option('--offset <offset>', 'from the clock of the machine: +400d, -2h, or a date')
    .option('--speed <times>', 'how many times as fast as the clock of the machine')
    .option('--json', 'print JSON')
    .action((typed: TypedClock) => finish(() => runClock(typed, surroundings)));
}

async function runClock(typed: TypedClock, { doors, terminal }: LabSurroundings): Promise<number> {
  const { offset, speed, dir, json } = typed;
  const where = dir === undefined ? {} : { dir: resolve(terminal.folder, dir) };
  const records = await doors.labClock({
    configs: { hub: locateConfig('hub', where, terminal), edge: locateConfig('edge', where, terminal) },
    offsetMs: offset === undefined ? undefined : named('--offset', () => parseClockOffset(offset, new Date())),
    speed: speed === undefined ? undefined : named('--speed', () => readSpeed(speed)),
  });
  const table = formatTable(records, ['Server', 'Clock', 'Speed', 'UtcNow', 'MachineUtcNow']);
  terminal.stdout.write(`${json ? formatJson(records) : table.join('\n')}\n`);
  return DONE;
}

/** Throws Problem `bad-clock`. */
function readSpeed(text: string): number {
  const speed = Number(text);
  if (/^\d{1,6}$/.test(text) && speed <= MAX_CLOCK_SPEED) return speed;
  throw new Problem(
    'bad-clock',
    `"${text}" is no speed; write a whole number from 0 (stands still) to ${MAX_CLOCK_SPEED}`,
  );
}
