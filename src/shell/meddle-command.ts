// `relaypair meddle`: its words as options for the door.

import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Doors, MeddleOptions } from './doors.ts';
import { readEndpoint } from './endpoints.ts';
import { named } from './option.ts';
import type { Terminal } from './terminal.ts';

interface TypedMeddle {
  readonly listen: string;
  readonly to: string;
  readonly sender?: string;
  readonly json?: true;
}

interface Surroundings {
  readonly doors: Doors;
  readonly terminal: Terminal;
  readonly finish: (work: () => Promise<number>) => Promise<void>;
}

export function addMeddle(meddle: Command, { doors, terminal, finish }: Surroundings): void {
  meddle
    .argument('<scenario>', 'the file that says what is done and what is expected (docs/meddle.md)')
    .requiredOption('--listen <host:port>', 'where clients come to')
    .requiredOption('--to <host:port>', 'the server that stands behind')
    .option('--sender <config>', 'config of the server that sends, to ask it for its decision card')
    .option('--json', 'a JSON object a line, for programs')
    .addHelpText('after', '\nExit code 0 only when everything that the scenario expects held.')
    .action((scenario: string, typed: TypedMeddle) =>
      finish(() => doors.meddle(readOptions(scenario, typed, terminal))),
    );
}

function readOptions(scenario: string, typed: TypedMeddle, { folder }: Terminal): MeddleOptions {
  return {
    scenario: resolve(folder, scenario),
    listen: named('--listen', () => readEndpoint(typed.listen, 'listen')),
    to: named('--to', () => readEndpoint(typed.to, 'connect')),
    sender: typed.sender === undefined ? undefined : resolve(folder, typed.sender),
    isJson: typed.json === true,
  };
}
