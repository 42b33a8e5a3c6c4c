// What the last word of a line in the interactive shell may become: the cmdlets of the role, their parameters, the choices
// of a parameter, and behind a bar the stages. Pure; derived from the declarations, as the completion of other shells is.

import { type CmdletDeclaration, parametersOf } from '../cmdlets/cmdlet.ts';
import { FILTER_OPERATORS } from '../cmdlets/filter-value.ts';
import type { Parameter } from '../cmdlets/parameters.ts';
import { SHELL_OPTIONS } from './shell-options.ts';

const STAGES = ['where', 'sort', 'select', 'measure', 'fl', 'ft', 'ConvertTo-Json'];
const OPERATORS = [...FILTER_OPERATORS, '-and', '-or', '-not'];
/** What the interactive shell knows besides cmdlets. */
const SHELL_WORDS = ['help', 'exit'] as const;

/** The candidates in declared spelling, and the part of `line` that any of them replaces: readline's own form. */
export function completeLine(
  line: string,
  cmdlets: readonly CmdletDeclaration[],
): [candidates: string[], word: string] {
  const stages = line.split('|');
  const words = (stages.at(-1) ?? '').trimStart().split(/\s+/);
  const word = words.at(-1) ?? '';
  const offered = stages.length > 1 ? offerStage(words, line, cmdlets) : offerCmdlet(words, cmdlets);
  return [offered.filter((each) => each.toLowerCase().startsWith(word.toLowerCase())), word];
}

function offerCmdlet(words: readonly string[], cmdlets: readonly CmdletDeclaration[]): string[] {
  const [name = '', ...rest] = words;
  const names = cmdlets.map((cmdlet) => cmdlet.name);
  if (rest.length === 0) return [...names, ...SHELL_WORDS];
  if (name.toLowerCase() === 'help') return rest.length === 1 ? names : [];
  const cmdlet = findNamed(name, cmdlets);
  return cmdlet === undefined ? [] : offerParameter(rest, cmdlet);
}

function offerParameter(words: readonly string[], cmdlet: CmdletDeclaration): string[] {
  const declared = parametersOf(cmdlet);
  const before = words.at(-2)?.replace(/^--?/, '').toLowerCase();
  const name = Object.keys(declared).find((each) => each.toLowerCase() === before);
  const isNamed = words.at(-2)?.startsWith('-') === true && name !== undefined;
  if (isNamed && !words.at(-1)?.startsWith('-')) {
    const parameter = declared[name];
    if (parameter !== undefined && parameter.type !== 'switch') return [...choicesOf(parameter)];
  }
  return [...Object.keys(declared).map((each) => `-${each}`), ...SHELL_OPTIONS.map((option) => `--${option.name}`)];
}

/** The values that a parameter may have, where they can be listed. */
export function choicesOf(parameter: Parameter): readonly string[] {
  if (parameter.type === 'boolean') return ['true', 'false'];
  return 'choices' in parameter ? parameter.choices : [];
}

/** Properties are those of the cmdlet's table: only the server knows all of them. */
function offerStage(words: readonly string[], line: string, cmdlets: readonly CmdletDeclaration[]): string[] {
  if (words.length === 1) return STAGES;
  const cmdlet = findNamed(line.trimStart().split(/[\s|]/)[0] ?? '', cmdlets);
  const properties = cmdlet?.table.map((column) => (typeof column === 'string' ? column : column.header)) ?? [];
  return /^(?:where|\?)/i.test(words[0] ?? '') ? [...properties, ...OPERATORS] : properties;
}

function findNamed(name: string, cmdlets: readonly CmdletDeclaration[]): CmdletDeclaration | undefined {
  return cmdlets.find((cmdlet) => cmdlet.name.toLowerCase() === name.toLowerCase());
}
