// Shell completion, derived from the declarations: the scripts that bash, zsh and fish load, and the answers they ask for by
// `relaypair complete -- words`. Parameters complete with one dash or two, choices and file names as values. Never asks a server.

import { readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Command, type Complete, type OptionHandler, RootCommand } from '@bomb.sh/tab';
import { type CmdletDeclaration, parametersOf } from '../cmdlets/cmdlet.ts';
import type { Role } from '../config.ts';
import type { Parameter } from '../cmdlets/parameters.ts';
import { choicesOf } from './candidates.ts';
import { SHELL_OPTIONS } from './shell-options.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type ShellName = (typeof SHELLS)[number];

/**
 * The library's own script for bash needs the package bash-completion and hands what was typed to eval, so that a $(command)
 * on the line would run at a press of TAB.
 */
const BASH_SCRIPT = `# bash completion for relaypair
_relaypair() {
  local line
  COMPREPLY=()
  while IFS=$'\\t' read -r line _; do
    [[ $line == :* ]] && continue
    printf -v line %q "$line"
    COMPREPLY+=("$line")
  done < <(relaypair complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
}
complete -F _relaypair relaypair
`;

/** Prints the script that makes `shell` complete relaypair. */
export function printCompletionScript(shell: ShellName): void {
  if (shell === 'bash') console.log(BASH_SCRIPT);
  else new RootCommand().setup('relaypair', 'relaypair', shell);
}

export interface CompletionSource {
  /** Top-level commands with their help. */
  readonly commands: readonly (readonly [name: string, help: string])[];
  readonly cmdlets: Readonly<Record<Role, readonly CmdletDeclaration[]>>;
  /** Where file names are looked up. */
  readonly folder: string;
}

/** Prints what the last of `words` may become. */
export function printCompletions(words: readonly string[], source: CompletionSource): void {
  const root = new RootCommand();
  const typed = words.at(-1) ?? '';
  for (const [name, help] of source.commands) root.command(name, help);
  for (const role of ['hub', 'edge'] as const) {
    for (const cmdlet of source.cmdlets[role]) {
      describeCmdlet(root.command(`${role} ${cmdlet.name}`, cmdlet.synopsis), cmdlet, { typed, folder: source.folder });
    }
  }
  root.parse(respell(words, source));
}

interface Typed {
  readonly typed: string;
  readonly folder: string;
}

function describeCmdlet(command: Command, cmdlet: CmdletDeclaration, typed: Typed): void {
  const declared = parametersOf(cmdlet);
  for (const [name, parameter] of Object.entries(declared)) {
    // The name as its own alias is what makes it complete behind a single dash.
    if (parameter.type === 'switch') command.option(name, parameter.help, name);
    else command.option(name, parameter.help, completeValue(parameter, typed), name);
  }
  for (const option of SHELL_OPTIONS) {
    if (option.value === '') command.option(option.name, option.help);
    else command.option(option.name, option.help, (complete) => completeFiles(complete, typed));
  }
  for (const name of cmdlet.positional ?? []) {
    const parameter = declared[name];
    if (parameter !== undefined) command.argument(name, (complete) => completeChoices(complete, parameter));
  }
}

function completeValue(parameter: Parameter, typed: Typed): OptionHandler {
  const isFile = parameter.type === 'inputFile' || parameter.type === 'outputFile';
  return (complete) => (isFile ? completeFiles(complete, typed) : completeChoices(complete, parameter));
}

function completeChoices(complete: Complete, parameter: Parameter): void {
  for (const choice of choicesOf(parameter)) complete(choice, '');
}

/** The library always turns the shell's own completion of file names off. */
function completeFiles(complete: Complete, { typed, folder }: Typed): void {
  const base = typed.endsWith('/') ? typed : dirname(typed);
  const prefix = base === '.' && !typed.startsWith('.') ? '' : base;
  try {
    for (const entry of readdirSync(resolve(folder, base), { withFileTypes: true })) {
      complete(join(prefix, entry.name) + (entry.isDirectory() ? '/' : ''), '');
    }
  } catch {
    // A folder that is not there has nothing to offer.
  }
}

/** Role, cmdlet and parameters in their declared spelling: the library compares letter by letter. */
function respell(words: readonly string[], source: CompletionSource): string[] {
  const role = words[0] === 'hub' || words[0] === 'edge' ? words[0] : undefined;
  if (role === undefined) return [...words];
  const cmdlets = source.cmdlets[role];
  const cmdlet = cmdlets.find(({ name }) => name.toLowerCase() === words[1]?.toLowerCase());
  const names = cmdlet === undefined ? [] : Object.keys(parametersOf(cmdlet));
  return words.map((word, index) => {
    if (index === 1)
      return respellWord(
        word,
        cmdlets.map(({ name }) => name),
      );
    const [, dashes = '', rest = ''] = /^(--?)(.*)$/s.exec(word) ?? [];
    return dashes === '' || index === 0 ? word : dashes + respellWord(rest, names);
  });
}

function respellWord(word: string, names: readonly string[]): string {
  const found = names.find((name) => name.toLowerCase().startsWith(word.toLowerCase()));
  return found === undefined ? word : found.slice(0, word.length);
}
