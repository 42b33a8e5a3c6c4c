// `relaypair spool ...`: the tables of a shared spool, and the move from one backend to another. The server must be stopped.

import type { Command } from 'commander';
import { resolve } from 'node:path';
import { isProblem, Problem } from '../problem.ts';
import type { Doors } from './doors.ts';
import { DONE } from './exit-code.ts';
import { locateConfig } from './location.ts';
import type { Terminal } from './terminal.ts';
import { formatJson } from './values.ts';

interface SpoolSurroundings {
  readonly doors: Pick<Doors, 'spoolMigrate' | 'spoolCopy'>;
  readonly terminal: Terminal;
  readonly finish: (work: () => Promise<number>) => Promise<void>;
}

interface TypedPlace {
  readonly config?: string;
  readonly json?: true;
}

const BACKENDS = ['embedded', 'postgres'] as const;

/** Adds the commands under `spool`. */
export function addSpoolCommands(spool: Command, { doors, terminal, finish }: SpoolSurroundings): void {
  spool
    .command('migrate')
    .description('Make the tables of the spool in PostgreSQL, or bring them up to date')
    .option('--config <file>', 'the config of a Hub or an Edge')
    .option('--json', 'print JSON')
    .action((typed: TypedPlace) =>
      finish(async () => {
        const report = await doors.spoolMigrate(locateEither(typed.config, terminal));
        const { schema, from, to } = report;
        const sentence = from === to ? `is in version ${to} already` : `was brought from version ${from} to ${to}`;
        terminal.stdout.write(
          `${typed.json ? formatJson([{ ...report }]) : `The spool in the schema ${schema} ${sentence}.`}\n`,
        );
        return DONE;
      }),
    );
  spool
    .command('copy')
    .description('Move every message to the other backend; interrupted, it is run again')
    .requiredOption('--from <backend>', BACKENDS.join(' or '))
    .requiredOption('--to <backend>', BACKENDS.join(' or '))
    .option('--config <file>', 'the config of a Hub or an Edge, which names the database')
    .option('--json', 'print JSON')
    .action((typed: TypedPlace & { from: string; to: string }) =>
      finish(async () => {
        const report = await doors.spoolCopy({
          config: locateEither(typed.config, terminal),
          from: backendNamed(typed.from, '--from'),
          to: backendNamed(typed.to, '--to'),
        });
        const { moved, found, bytes, damaged } = report;
        const left = damaged.length === 0 ? '' : ` Damaged messages stay: ${damaged.join(', ')}.`;
        const sentence = `${moved} messages with ${bytes} octets are in ${typed.to} now, ${found} of them from a copy before.${left}`;
        terminal.stdout.write(`${typed.json ? formatJson([{ ...report }]) : sentence}\n`);
        return DONE;
      }),
    );
}

function backendNamed(text: string, option: string): (typeof BACKENDS)[number] {
  const found = BACKENDS.find((name) => name === text);
  if (found) return found;
  throw new Problem('bad-value', `${option}: "${text}" is no spool backend; write ${BACKENDS.join(' or ')}`);
}

/** The file that was named, or the only one of a Hub or an Edge in the usual places. */
function locateEither(named: string | undefined, terminal: Terminal): string {
  if (named !== undefined) return resolve(terminal.folder, named);
  const found = (['hub', 'edge'] as const).flatMap((role) => {
    try {
      return [locateConfig(role, {}, terminal)];
    } catch (error) {
      if (isProblem(error, 'config-not-found')) return [];
      throw error;
    }
  });
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const what = found.length === 0 ? 'there is no hub.yaml and no edge.yaml here' : 'there are a Hub and an Edge here';
  throw new Problem('config-not-found', `${what}; name the configuration file with --config FILE`);
}
