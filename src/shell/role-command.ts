// `relaypair hub ...` and `relaypair edge ...`: without a cmdlet it starts the server, with one it has the server run it.

import { findCmdlet } from '../cmdlets/binding.ts';
import type { CmdletDeclaration } from '../cmdlets/cmdlet.ts';
import type { Role } from '../config.ts';
import { parseClockCourse } from '../duration.ts';
import { Problem } from '../problem.ts';
import { runCmdletCommand } from './cmdlet-command.ts';
import { splitCommandLine } from './command-line.ts';
import { cmdletsOf, type Doors } from './doors.ts';
import { DONE } from './exit-code.ts';
import { formatRoleHelp } from './help.ts';
import { locateConfig, nameConfig } from './location.ts';
import { type ShellOptions, takeShellOption } from './shell-options.ts';
import type { Terminal } from './terminal.ts';

/** Runs the words after `hub` or `edge` and returns the exit code; throws Problem. */
export async function runRoleCommand(
  role: Role,
  words: readonly string[],
  doors: Doors,
  terminal: Terminal,
): Promise<number> {
  const options: ShellOptions = {};
  let index = 0;
  for (let taken = 1; taken > 0 && index < words.length; index += taken) taken = takeShellOption(options, words, index);
  const [name, ...rest] = words.slice(index);
  if (name !== undefined && name.startsWith('-')) {
    throw new Problem('unexpected-argument', `"${name}" comes before any cmdlet; relaypair ${role} --help lists them`);
  }
  if (name === undefined) return runServer(role, options, { doors, terminal });
  // "Get-Queue | fl" quoted as one argument.
  const [first = '', ...more] = /[\s|]/.test(name) ? splitCommandLine(name) : [name];
  const cmdlet = await findOwnCmdlet(role, first, doors);
  return runCmdletCommand({ role, cmdlet, words: [...more, ...rest], options }, doors, terminal);
}

/** Throws Problem `unknown-cmdlet`, which says so when only the other role has it. */
async function findOwnCmdlet(role: Role, name: string, doors: Doors): Promise<CmdletDeclaration> {
  const own = await cmdletsOf(role, doors);
  const other = role === 'hub' ? 'edge' : 'hub';
  const isNamed = (cmdlet: CmdletDeclaration): boolean => cmdlet.name.toLowerCase() === name.toLowerCase();
  if (!own.some(isNamed)) {
    const foreign = (await cmdletsOf(other, doors)).find(isNamed);
    if (foreign)
      throw new Problem(
        'unknown-cmdlet',
        `${foreign.name} runs on the ${capital(other)}: relaypair ${other} ${foreign.name}`,
      );
  }
  return findCmdlet(own, name);
}

function capital(role: Role): string {
  return role === 'hub' ? 'Hub' : 'Edge';
}

async function runServer(
  role: Role,
  options: ShellOptions,
  around: { doors: Doors; terminal: Terminal },
): Promise<number> {
  const { doors, terminal } = around;
  if (options.help === true) {
    terminal.stdout.write(`${formatRoleHelp(role, await cmdletsOf(role, doors))}\n`);
    return DONE;
  }
  // A server is not started by the chance of what lies in the current folder.
  if (nameConfig(role, options, terminal) === undefined) {
    throw new Problem(
      'missing-value',
      `say which ${role} to start with --config FILE or --dir DIR, or name a cmdlet; relaypair ${role} --help explains both`,
    );
  }
  const clock = parseClockCourse(options.clock ?? '+0d', new Date());
  return doors.startServer(role, locateConfig(role, options, terminal), { clock, isLab: options.lab === true });
}
