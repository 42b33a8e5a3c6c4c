// Help for a role and for one cmdlet, derived from the declarations.

import { type CmdletDeclaration, parametersOf } from '../cmdlets/cmdlet.ts';
import type { Role } from '../config.ts';
import { describeType, type Parameter } from '../cmdlets/parameters.ts';
import { SHELL_OPTIONS } from './shell-options.ts';

const WIDTH = 100;

/** What `relaypair hub --help` prints, without the final line end. */
export function formatRoleHelp(role: Role, cmdlets: readonly CmdletDeclaration[]): string {
  const rows = cmdlets.toSorted(byNoun).map((cmdlet) => [cmdlet.name, cmdlet.synopsis] as const);
  return [
    `relaypair ${role} --config FILE [--clock OFFSET] [--lab]`,
    '    Starts the server and stays. OFFSET moves its clock: +400d, -2h, or a date to start at; +400d,3600 lets it run',
    '    3600 times as fast as well. With --lab Set-LabClock can move it later.',
    '',
    `relaypair ${role} CMDLET [-Parameter value ...] [--json | --list | --table] [--config FILE | --dir DIR]`,
    `    Has the running server execute a cmdlet. relaypair ${role} CMDLET --help explains it.`,
    `    The server is the one of --config, else of DIR/${role}.yaml, $RELAYPAIR_DIR/${role}.yaml, ./${role}.yaml,`,
    `    /etc/relaypair/${role}.yaml.`,
    '',
    'Cmdlets',
    ...formatRows(rows),
  ].join('\n');
}

/** Get-Queue beside Retry-Queue. */
function byNoun(a: CmdletDeclaration, b: CmdletDeclaration): number {
  const key = (cmdlet: CmdletDeclaration) => cmdlet.name.split('-').toReversed().join(' ');
  return key(a) < key(b) ? -1 : 1;
}

/** What `relaypair hub Get-Queue --help` prints, without the final line end. */
export function formatCmdletHelp(role: Role, cmdlet: CmdletDeclaration): string {
  const declared = Object.entries(parametersOf(cmdlet));
  const rows = declared.map(([name, parameter]) => [usageOf(name, parameter, false), explain(parameter)] as const);
  const secrets = declared.filter(([, parameter]) => parameter.type === 'secret').map(([name]) => name);
  const options = SHELL_OPTIONS.map((option) => [`--${option.name} ${option.value}`.trimEnd(), option.help] as const);
  return [
    `${cmdlet.name}: ${cmdlet.synopsis}`,
    ...(cmdlet.description === undefined ? [] : ['', ...wrap(cmdlet.description.split(' '), WIDTH)]),
    '',
    'Usage',
    ...wrap(usageWords(role, cmdlet), WIDTH - 8).map((line, index) =>
      index === 0 ? `    ${line}` : `        ${line}`,
    ),
    ...section('Parameters', formatRows(rows)),
    ...section('', secrets.flatMap(explainSecret)),
    ...section('Options', formatRows(options)),
    ...section(
      'Examples',
      (cmdlet.examples ?? []).map((example) => `    relaypair ${role} ${example}`),
    ),
  ].join('\n');
}

/** Pieces that a line break must not go through. */
function usageWords(role: Role, cmdlet: CmdletDeclaration): string[] {
  const words = Object.entries(cmdlet.parameters).map(([name, parameter]) => {
    const usage = usageOf(name, parameter, cmdlet.positional?.includes(name) === true);
    return parameter.required === true ? usage : `[${usage}]`;
  });
  return [`relaypair ${role} ${cmdlet.name}`, ...words];
}

function usageOf(name: string, parameter: Parameter, isPositional: boolean): string {
  return `${isPositional ? `[-${name}]` : `-${name}`} ${describeType(parameter)}`.trimEnd();
}

function explain(parameter: Parameter): string {
  const marks = [
    ...(parameter.required === true ? ['required'] : []),
    ...(parameter.default === undefined ? [] : [`default ${parameter.default}`]),
  ];
  return marks.length === 0 ? parameter.help : `${parameter.help} (${marks.join(', ')})`;
}

function explainSecret(name: string): string[] {
  const text = `A ${name} on the command line can be seen by other users of this machine: -${name} - reads it from stdin (unseen on a terminal), -${name}File FILE from a file.`;
  return wrap(text.split(' '), WIDTH - 4).map((line) => `    ${line}`);
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return title === '' ? ['', ...lines] : ['', title, ...lines];
}

/** Two columns; a first cell that is too long has its line to itself. */
function formatRows(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(36, Math.max(0, ...rows.map(([first]) => first.length)));
  return rows.flatMap(([first, second]) => {
    const lines = wrap(second.split(' '), WIDTH - width - 6).map((line) => ' '.repeat(width + 6) + line);
    const head = `    ${first.padEnd(width)}  `;
    return first.length > width ? [head.trimEnd(), ...lines] : [head + (lines[0] ?? '').trimStart(), ...lines.slice(1)];
  });
}

function wrap(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
