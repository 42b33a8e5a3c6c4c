// `relaypair shell hub`: line after line as after `relaypair hub`, with history and completion for a person. What comes from
// a pipe or a file is carried out to its end; then the exit code is the worst of all.

import { createInterface } from 'node:readline';
import type { CmdletDeclaration } from '../cmdlets/cmdlet.ts';
import type { Role } from '../config.ts';
import { isProblem } from '../problem.ts';
import { completeLine } from './candidates.ts';
import { splitCommandLine } from './command-line.ts';
import { cmdletsOf, type Doors } from './doors.ts';
import { DONE, exitCodeFor } from './exit-code.ts';
import { formatRoleHelp } from './help.ts';
import { History } from './history.ts';
import { readLine } from './input.ts';
import { printProblem } from './printing.ts';
import { runRoleCommand } from './role-command.ts';
import { isInteractive, type Terminal } from './terminal.ts';

export interface InteractiveOptions {
  readonly role: Role;
  /** The options that say which server, before each line. */
  readonly serverWords: readonly string[];
  readonly doors: Doors;
  readonly terminal: Terminal;
}

/** Resolves with the exit code when the person leaves or the input ends. */
export async function runInteractive(options: InteractiveOptions): Promise<number> {
  const cmdlets = await cmdletsOf(options.role, options.doors);
  return isInteractive(options.terminal) ? talk(options, cmdlets) : runScript(options, cmdlets);
}

async function talk(options: InteractiveOptions, cmdlets: readonly CmdletDeclaration[]): Promise<number> {
  const { role, terminal } = options;
  const history = History.open(terminal);
  terminal.stderr.write(
    `The shell of the ${role}: TAB completes, "help" lists the cmdlets, "exit" or Ctrl-D leaves.\n`,
  );
  const pasted: string[] = [];
  for (;;) {
    const line = pasted.shift() ?? (await readTypedLine({ terminal, history, cmdlets, pasted, prompt: `${role}> ` }));
    if (line === undefined || isExit(line)) return DONE;
    history.add(line);
    await runLine(line, options, cmdlets);
  }
}

interface Asking {
  readonly terminal: Terminal;
  readonly history: History;
  readonly cmdlets: readonly CmdletDeclaration[];
  /** Takes the lines that came together with the first. */
  readonly pasted: string[];
  readonly prompt: string;
}

/**
 * Undefined at the end of the input. Ctrl-C takes back what was typed. One reader for each line, since cmdlets ask questions
 * and read secrets from the same terminal.
 */
async function readTypedLine({ terminal, history, cmdlets, pasted, prompt }: Asking): Promise<string | undefined> {
  if (terminal.stdin.readableEnded) return undefined;
  const lines = createInterface({
    input: terminal.stdin,
    output: terminal.stderr,
    terminal: true,
    history: history.lines,
    prompt,
    completer: (line: string) => completeLine(line, cmdlets),
  });
  lines.on('SIGINT', () => {
    terminal.stderr.write('^C\n');
    lines.write(null, { ctrl: true, name: 'u' });
    lines.prompt();
  });
  lines.on('line', (line) => pasted.push(line));
  try {
    lines.prompt();
    await readLine(lines);
    return pasted.shift();
  } finally {
    lines.close();
  }
}

async function runScript(options: InteractiveOptions, cmdlets: readonly CmdletDeclaration[]): Promise<number> {
  let worst = DONE;
  for await (const line of createInterface({ input: options.terminal.stdin })) {
    if (isExit(line)) break;
    worst = Math.max(worst, await runLine(line, options, cmdlets));
  }
  return worst;
}

function isExit(line: string): boolean {
  return /^\s*(?:exit|quit)\s*$/i.test(line);
}

/** The exit code that the line alone would have; a problem is told and ends nothing. */
async function runLine(
  line: string,
  { role, serverWords, doors, terminal }: InteractiveOptions,
  cmdlets: readonly CmdletDeclaration[],
): Promise<number> {
  const text = line.trim();
  if (text === '' || text.startsWith('#')) return DONE;
  try {
    const [first = '', ...rest] = splitCommandLine(text);
    if (first.toLowerCase() !== 'help')
      return await runRoleCommand(role, [...serverWords, first, ...rest], doors, terminal);
    if (rest.length > 0) return await runRoleCommand(role, [...rest, '--help'], doors, terminal);
    terminal.stdout.write(`${formatRoleHelp(role, cmdlets)}\n`);
    return DONE;
  } catch (error) {
    if (!isProblem(error)) throw error;
    printProblem(error.message, terminal);
    return exitCodeFor(error.code);
  }
}
