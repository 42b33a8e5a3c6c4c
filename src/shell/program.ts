// The commands that are no cmdlets: up, demo, meddle, prove, capture, spool, schema, completion, --version, --help. Only these load commander; `relaypair hub ...`
// and `relaypair edge ...` are read by role-command.ts and stand here for the help.

import { Command, CommanderError } from 'commander';
import { resolve } from 'node:path';
import { parseClockCourse, parseDuration } from '../duration.ts';
import type { Role } from '../config.ts';
import { Problem } from '../problem.ts';
import { addCapture } from './capture-command.ts';
import { printCompletionScript, SHELLS, type ShellName } from './completion.ts';
import { addLabCommands } from './lab-command.ts';
import { addMeddle } from './meddle-command.ts';
import { named } from './option.ts';
import { addProve } from './prove-command.ts';
import type { Doors, UpOptions } from './doors.ts';
import { readDeliveryTarget, readDomain, readEndpoint } from './endpoints.ts';
import { DONE, MISUSED } from './exit-code.ts';
import { runInteractive } from './interactive.ts';
import type { PairPlace } from './pair-servers.ts';
import { addSpoolCommands } from './spool-command.ts';
import type { Terminal } from './terminal.ts';
import { escapeText } from '../unsafe-text.ts';
import { runTop, type TopOptions } from './top.ts';
import { runTrail } from './trail.ts';

/** For completion. */
export const COMMANDS = [
  ['hub', 'Start the Hub, or run a cmdlet on it'],
  ['edge', 'Start the Edge, or run a cmdlet on it'],
  ['up', 'Start both, subscribe them, and stay'],
  ['shell', 'Type cmdlets one after the other, with history and completion'],
  ['trail', 'Show the way of one message over both servers'],
  ['top', 'Watch both servers: queues, rates, reasons, the last hops'],
  ['demo', 'Show on real servers what the pair does when certificates expire'],
  ['lab', 'Play guided scenarios; move the clocks of a running laboratory pair together'],
  ['capture', 'Put the secrets of sessions into a capture that another program made'],
  ['meddle', 'Stand between a client and an SMTP server, and break TLS as a scenario says'],
  ['prove', 'Try everything that can happen to TLS against every policy, and write a report'],
  ['spool', 'Make the tables of a spool in PostgreSQL; move the spool from one backend to another'],
  ['schema', "Print the directory's schema as a file for OpenLDAP's slapd"],
  ['completion', 'Print the completion script for a shell'],
] as const;

interface ProgramOptions {
  readonly doors: Doors;
  readonly terminal: Terminal;
  readonly version: string;
}

/** Runs the command in `words` and returns its exit code; throws Problem. */
export async function runProgram(words: readonly string[], options: ProgramOptions): Promise<number> {
  let code = DONE;
  const program = buildProgram(options, async (work) => {
    code = await work();
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? DONE : MISUSED;
  }
}

type Finish = (work: () => Promise<number>) => Promise<void>;

function buildProgram(options: ProgramOptions, finish: Finish): Command {
  const { doors, terminal, version } = options;
  const program = new Command('relaypair')
    .description('A pair of SMTP relays, Hub and Edge, joined by an Edge Subscription')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      outputError: (text, write) =>
        write(
          `relaypair: ${escapeText(
            text
              .replace(/^error: /, '')
              .trimEnd()
              .replaceAll('\n', ' '),
          )}\n`,
        ),
    });
  const help = new Map<string, string>(COMMANDS);
  for (const role of ['hub', 'edge'])
    program
      .command(`${role} [cmdlet...]`)
      .description(help.get(role) ?? '')
      .helpOption(false);
  addUp(program.command('up').description(help.get('up') ?? ''), (typed) =>
    finish(() => doors.up(readUpOptions(typed, terminal))),
  );
  addShell(program.command('shell').description(help.get('shell') ?? ''), options, finish);
  addPlace(program.command('trail').description(help.get('trail') ?? ''))
    .argument('<id>', 'its Message-ID, or its NetworkMessageId')
    .option('--json', 'print JSON')
    .action((id: string, typed: PairPlace & { json?: boolean }) =>
      finish(() => runTrail({ id, ...typed }, doors, terminal)),
    );
  addPlace(program.command('top').description(help.get('top') ?? ''))
    .option('--once', 'draw once and leave')
    .option('--json', 'print JSON')
    .action((typed: TopOptions) => finish(() => runTop(typed, doors, terminal)));
  program
    .command('demo')
    .description(help.get('demo') ?? '')
    .option('--dir <dir>', 'where to work, and to leave everything for a look (default: a temporary folder)')
    .action((typed: { dir?: string }) =>
      finish(() => doors.demo({ dir: typed.dir === undefined ? undefined : resolve(terminal.folder, typed.dir) })),
    );
  addLabCommands(program.command('lab').description(help.get('lab') ?? ''), { doors, terminal, finish });
  addCapture(program.command('capture').description(help.get('capture') ?? ''), { doors, terminal, finish });
  addMeddle(program.command('meddle').description(help.get('meddle') ?? ''), { doors, terminal, finish });
  addProve(program.command('prove').description(help.get('prove') ?? ''), { doors, terminal, finish });
  addSpoolCommands(program.command('spool').description(help.get('spool') ?? ''), { doors, terminal, finish });
  program
    .command('schema')
    .description(help.get('schema') ?? '')
    .action(async () => void terminal.stdout.write(await doors.slapdSchema()));
  program
    .command('completion')
    .description(help.get('completion') ?? '')
    .argument('<shell>', SHELLS.join(', '))
    .addHelpText('after', '\nIn bash: source <(relaypair completion bash)')
    .action((shell: string) => printCompletionScript(shellNamed(shell)));
  return program;
}

/** `--config` and `--dir` are handed on to every line as they were typed. */
function addShell(shell: Command, { doors, terminal }: ProgramOptions, finish: Finish): void {
  shell
    .argument('<role>', 'hub or edge')
    .option('--config <file>', "the server's configuration file")
    .option('--dir <dir>', 'the folder that holds hub.yaml or edge.yaml')
    .action((typed: string, named: { config?: string; dir?: string }) =>
      finish(() => {
        const serverWords = Object.entries(named).flatMap(([name, value]) => [`--${name}`, value]);
        return runInteractive({ role: roleNamed(typed), serverWords, doors, terminal });
      }),
    );
}

/** Where a command that asks both servers finds them. */
function addPlace(command: Command): Command {
  return command
    .option('--dir <dir>', 'the folder that holds hub.yaml and edge.yaml')
    .option('--hub <file>', "the Hub's configuration file")
    .option('--edge <file>', "the Edge's configuration file");
}

function roleNamed(text: string): Role {
  const role = text.toLowerCase();
  if (role === 'hub' || role === 'edge') return role;
  throw new Problem('unexpected-argument', `there is no server "${text}": it is hub or edge`);
}

function shellNamed(text: string): ShellName {
  const shell = SHELLS.find((name) => name === text);
  if (shell === undefined)
    throw new Problem('unexpected-argument', `there is no completion for "${text}", only for ${SHELLS.join(', ')}`);
  return shell;
}

interface TypedUp {
  readonly dir: string;
  readonly hub: string;
  readonly edge: string;
  readonly smartHost?: string;
  readonly acceptedDomain: readonly string[];
  readonly deliver?: string;
  readonly retry?: string;
  readonly clock?: string;
  readonly capture?: boolean;
  readonly page?: boolean;
  readonly world?: boolean;
  readonly unsubscribed?: boolean;
}

function addUp(up: Command, action: (typed: TypedUp) => Promise<void>): void {
  up.requiredOption('--dir <dir>', 'folder for both servers: configuration, certificates, spools, logs')
    .option('--hub <host:port>', 'where the Hub listens', '127.0.0.1:2525')
    .option('--edge <host:port>', 'where the Edge listens', '127.0.0.1:2526')
    .option('--smart-host <host:port>', 'where the Edge sends mail for foreign domains')
    .option('--accepted-domain <name>', 'a domain whose mail is ours (repeatable)', gather, [])
    .option('--deliver <target>', 'where the Hub delivers: smtp:HOST:PORT, lmtp:HOST:PORT or maildir:DIR')
    .option('--retry <duration>', 'time between attempts, such as 2s or 15m')
    .option('--page', 'serve the page, from which the laboratory can be commanded too, and say where it is')
    .option('--world', 'a world outside (fabrikam.test) and mailboxes inside (contoso.test) that take everything')
    .option('--unsubscribed', 'leave it to you to subscribe the two to each other')
    .option('--capture', 'record each session, with the secrets of its TLS, into pcapng files')
    .option(
      '--clock <offset>',
      "move both servers' clocks: +400d, -2h, or a date to start at; +400d,3600 to run 3600 times as fast too",
    )
    .action(action);
}

function gather(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

function readUpOptions(typed: TypedUp, terminal: Terminal): UpOptions {
  const { smartHost, deliver, retry, clock } = typed;
  return {
    dir: resolve(terminal.folder, typed.dir),
    hub: named('--hub', () => readEndpoint(typed.hub, 'listen')),
    edge: named('--edge', () => readEndpoint(typed.edge, 'listen')),
    smartHost: smartHost === undefined ? undefined : named('--smart-host', () => readEndpoint(smartHost, 'connect')),
    acceptedDomains: typed.acceptedDomain.map((domain) => named('--accepted-domain', () => readDomain(domain))),
    deliver: deliver === undefined ? undefined : named('--deliver', () => readDeliveryTarget(deliver, terminal.folder)),
    retryMs: retry === undefined ? undefined : named('--retry', () => parseDuration(retry)),
    capture: typed.capture === true,
    page: typed.page === true,
    world: typed.world === true,
    unsubscribed: typed.unsubscribed === true,
    clock: named('--clock', () => parseClockCourse(clock ?? '+0d', new Date())),
  };
}
