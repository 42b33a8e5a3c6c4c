// The command line's front door: sends the words to a role, to the other commands or to completion, and turns what went
// wrong into one sentence on stderr and an exit code. A bug is let through to program.ts with its stack.

import { isProblem } from '../problem.ts';
import type { Doors } from './doors.ts';
import { exitCodeFor } from './exit-code.ts';
import { printProblem } from './printing.ts';
import { runRoleCommand } from './role-command.ts';
import { openProcessTerminal, type Terminal } from './terminal.ts';
import { readVersion } from '../version.ts';

/** Runs the command in `argv` (without node and script) and resolves with the exit code: 0 done, 1 refused, 2 not understood. */
export async function runShell(
  argv: readonly string[],
  doors: Doors,
  terminal: Terminal = openProcessTerminal(),
): Promise<number> {
  try {
    return await dispatch(argv, doors, terminal);
  } catch (error) {
    if (!isProblem(error)) throw error;
    printProblem(error.message, terminal);
    return exitCodeFor(error.code);
  }
}

async function dispatch(argv: readonly string[], doors: Doors, terminal: Terminal): Promise<number> {
  const [command, ...words] = argv;
  if (command === 'hub' || command === 'edge') return runRoleCommand(command, words, doors, terminal);
  if (command === 'complete') return complete(words, doors, terminal);
  const { runProgram } = await import('./program.ts');
  return runProgram(argv, { doors, terminal, version: readVersion() });
}

async function complete(words: readonly string[], doors: Doors, terminal: Terminal): Promise<number> {
  const [{ printCompletions }, { COMMANDS }] = await Promise.all([import('./completion.ts'), import('./program.ts')]);
  const [hub, edge] = await Promise.all([doors.hubCmdlets(), doors.edgeCmdlets()]);
  const typed = words[0] === '--' ? words.slice(1) : words;
  printCompletions(typed, { commands: COMMANDS, cmdlets: { hub, edge }, folder: terminal.folder });
  return 0;
}
