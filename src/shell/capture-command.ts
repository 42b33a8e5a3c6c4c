// `relaypair capture merge`: secrets into a capture that dumpcap or tcpdump made.

import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Doors } from './doors.ts';
import { DONE } from './exit-code.ts';
import type { Terminal } from './terminal.ts';
import { escapeText } from '../unsafe-text.ts';

interface CaptureCommandOptions {
  readonly doors: Pick<Doors, 'mergeCapture'>;
  readonly terminal: Terminal;
  readonly finish: (work: () => Promise<number>) => Promise<void>;
}

interface TypedMerge {
  readonly out: string;
  readonly all?: boolean;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function addCapture(capture: Command, { doors, terminal, finish }: CaptureCommandOptions): void {
  const path = (typed: string): string => resolve(terminal.folder, typed);
  capture
    .command('merge')
    .description('Write the capture again as pcapng, with the secrets in front of its packets')
    .argument('<capture>', 'a pcap or pcapng file')
    .argument('<secrets...>', 'key logs, captures of this program, or folders of these')
    .requiredOption('--out <file>', 'the file to write')
    .option('--all', 'also secrets of sessions whose beginning is not in the capture')
    .option('--force', 'overwrite the file')
    .option('--json', 'say what was done as JSON')
    .action((from: string, secrets: readonly string[], typed: TypedMerge) =>
      finish(async () => {
        const report = await doors.mergeCapture({
          capture: path(from),
          secrets: secrets.map(path),
          output: path(typed.out),
          overwrite: typed.force === true,
          all: typed.all === true,
        });
        const { sessions, leftOut } = report;
        const sentence = `${escapeText(typed.out)} has the secrets of ${count(sessions)}; ${count(leftOut)} left out.`;
        terminal.stdout.write(`${typed.json === true ? JSON.stringify(report) : sentence}\n`);
        return DONE;
      }),
    );
}

function count(sessions: number): string {
  return `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
}
