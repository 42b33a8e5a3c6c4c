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

interface TypedRun {
  readonly repeat?: string;
  readonly json?: true;
}

const MAX_REPEAT = 10_000;

/** Adds the commands under `lab`. */
export function addLabCommands(lab: Command, surroundings: LabSurroundings): void {
  const { doors, finish } = surroundings;
  lab
    .command('list')
    .description('List the guided scenarios')
    .option('--json', 'print JSON')
    .action((typed: { json?: true }) => finish(() => listScenarios(typed, surroundings)));
  lab
    .command('run')
    .description('Play a guided scenario on a pair of its own, and explain what happens')
    .argument('<name>', 'the scenario; "relaypair lab list" lists them')
    .option('--repeat <times>', 'play it so often, and compare the decision cards')
    .option('--json', 'print JSON')
    .action((name: string, { repeat, json }: TypedRun) =>
      finish(async () => {
        const times = repeat === undefined ? 1 : named('--repeat', () => readTimes(repeat));
        return doors.labRun({ name, repeat: times, isJson: json === true });
      }),
    );
  lab
    .command('clock')
    .description('Show the clocks of both servers, or move them together so that what is due on the way happens')
    .option('--dir <dir>', 'the folder that holds hub.yaml and edge.yaml')
    .option('--offset <offset>', 'from the clock of the machine: +400d, -2h, or a date')
    .option('--speed <times>', 'how many times as fast as the clock of the machine')
    .option('--json', 'print JSON')
    .action((typed: TypedClock) => finish(() => runClock(typed, surroundings)));
}

async function listScenarios({ json }: { json?: true }, { doors, terminal }: LabSurroundings): Promise<number> {
  const scenarios = (await doors.labScenarios()).map(({ name, title }) => ({ Name: name, Title: title }));
  const table = formatTable(scenarios, ['Name', 'Title']);
  terminal.stdout.write(`${json ? formatJson(scenarios) : table.join('\n')}\n`);
  return DONE;
}

/** Throws Problem `bad-value`. */
function readTimes(text: string): number {
  const times = Number(text);
  if (/^\d{1,6}$/.test(text) && times >= 1 && times <= MAX_REPEAT) return times;
  throw new Problem('bad-value', `"${text}" is no number of times; write a whole number from 1 to ${MAX_REPEAT}`);
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
