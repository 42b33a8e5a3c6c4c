// The words after a cmdlet's name, as PowerShell reads them: any letter case, names cut to what is unique, `-Name value`,
// `-Name:value`, `--name=value`, switches without a value, lists after commas, positions. What a value means is decided in
// cmdlets/binding.ts; here texts are only put to names.

import { type CmdletDeclaration, parametersOf } from '../cmdlets/cmdlet.ts';
import { describeType, type Parameter, type Parameters, takesSeveral } from '../cmdlets/parameters.ts';
import { didYouMean } from '../cmdlets/suggestion.ts';
import { Problem } from '../problem.ts';
import { type Pipeline, readPipeline } from './pipeline.ts';
import { type NamedWord, parseNamedWord, type ShellOptions, takeFormat, takeShellOption } from './shell-options.ts';

export interface CmdletWords {
  /** Raw texts by declared name. */
  readonly parameters: Record<string, string[]>;
  /** Where to read a secret from instead: -PasswordFile FILE. */
  readonly secretFiles: Record<string, string>;
  /** What is done with the records before they are shown. */
  readonly pipeline: Pipeline;
}

const NO_PIPELINE: Pipeline = { stages: [], isReshaping: false };

interface Reading extends Omit<CmdletWords, 'pipeline'> {
  readonly cmdlet: CmdletDeclaration;
  readonly declared: Parameters;
  readonly words: readonly string[];
  index: number;
}

/** Sorts `words` into the cmdlet's parameters and, into `options`, the shell's own; throws Problem in one sentence. */
export function readCmdletWords(
  cmdlet: CmdletDeclaration,
  words: readonly string[],
  options: ShellOptions,
): CmdletWords {
  const reading: Reading = { cmdlet, declared: parametersOf(cmdlet), words, index: 0, parameters: {}, secretFiles: {} };
  while (reading.index < words.length) {
    const taken = takeShellOption(options, words, reading.index);
    reading.index += taken;
    if (taken > 0) continue;
    const named = parseNamedWord(words[reading.index]);
    if (named !== undefined) takeNamed(reading, named);
    else if (words[reading.index]?.startsWith('|') === true)
      return { ...sorted(reading), pipeline: readPipeline(words.slice(reading.index), options) };
    else if (takeTrailingFormat(reading, options)) break;
    else takePositional(reading);
  }
  return { ...sorted(reading), pipeline: NO_PIPELINE };
}

function sorted({ parameters, secretFiles }: Reading): Omit<CmdletWords, 'pipeline'> {
  return { parameters, secretFiles };
}

/** A last bare `fl`, for who forgot the bar or had his own shell take it. */
function takeTrailingFormat(reading: Reading, options: ShellOptions): boolean {
  const rest = reading.words.slice(reading.index);
  return rest.length <= 2 && parseNamedWord(rest[1]) === undefined && takeFormat(options, rest);
}

function takeNamed(reading: Reading, named: NamedWord): void {
  reading.index += 1;
  const secret = secretFileTarget(reading.declared, named.name);
  if (secret !== undefined) {
    reading.secretFiles[secret] = takeValue(reading, named, { type: 'string', help: '' });
    return;
  }
  const name = resolveParameter(reading.cmdlet, reading.declared, named.name);
  const parameter = reading.declared[name];
  if (parameter === undefined) return;
  const texts = (reading.parameters[name] ??= []);
  texts.push(parameter.type === 'switch' ? switchText(name, named) : takeValue(reading, named, parameter));
}

function switchText(name: string, named: NamedWord): string {
  if (named.inline !== '') return named.inline ?? 'true';
  throw new Problem(
    'missing-value',
    `-${name}: has no value; a shell empties an unquoted $true or $false, so write -${name}:true or -${name}:false`,
  );
}

/** The inline value, else the next word; a list goes on after a comma. */
function takeValue(reading: Reading, named: NamedWord, parameter: Parameter): string {
  // `-Comment: text` is PowerShell's too; for a boolean, an empty value is more likely an emptied $true.
  const isOpen = named.inline === undefined || (named.inline === '' && parameter.type !== 'boolean');
  let value = isOpen ? nextValue(reading) : named.inline;
  if (value === undefined && named.inline === undefined) {
    const hint =
      parameter.type === 'boolean' ? '; a shell empties an unquoted $true or $false, so write true or false' : '';
    throw new Problem(
      'missing-value',
      `-${named.name} needs a value: -${named.name} ${describeType(parameter)}${hint}`,
    );
  }
  value ??= '';
  while (takesSeveral(parameter) && value.trimEnd().endsWith(',')) {
    const next = nextValue(reading);
    if (next === undefined) break;
    value += next;
  }
  return value;
}

function nextValue(reading: Reading): string | undefined {
  const word = reading.words[reading.index];
  if (word === undefined || parseNamedWord(word) !== undefined) return undefined;
  reading.index += 1;
  return word;
}

function takePositional(reading: Reading): void {
  const word = reading.words[reading.index] ?? '';
  const name = (reading.cmdlet.positional ?? []).find((candidate) => reading.parameters[candidate] === undefined);
  const parameter = name === undefined ? undefined : reading.declared[name];
  if (name === undefined || parameter === undefined) {
    throw new Problem(
      'unexpected-argument',
      `${reading.cmdlet.name} does not know what to do with "${word}"; name the parameter it belongs to`,
    );
  }
  reading.parameters[name] = [takeValue(reading, { name, inline: undefined }, parameter)];
}

/** The secret that -NameFile reads from a file; the name must be written out. */
function secretFileTarget(declared: Parameters, typed: string): string | undefined {
  const names = Object.keys(declared);
  if (names.some((name) => name.toLowerCase() === typed.toLowerCase())) return undefined;
  return names.find((name) => declared[name]?.type === 'secret' && `${name}file`.toLowerCase() === typed.toLowerCase());
}

/** The declared name that `typed` is, or is the beginning of; throws Problem `unknown-parameter` or `ambiguous-parameter`. */
function resolveParameter(cmdlet: CmdletDeclaration, declared: Parameters, typed: string): string {
  const names = Object.keys(declared);
  const word = typed.toLowerCase();
  const candidates = names.filter((name) => name.toLowerCase().startsWith(word));
  const found =
    names.find((name) => name.toLowerCase() === word) ?? (candidates.length === 1 ? candidates[0] : undefined);
  if (found !== undefined) return found;
  if (candidates.length > 1) {
    throw new Problem(
      'ambiguous-parameter',
      `-${typed} could be ${candidates.map((name) => `-${name}`).join(' or ')}: write more of it`,
    );
  }
  throw new Problem('unknown-parameter', `${cmdlet.name} has no parameter -${typed}${didYouMean(typed, names, '-')}`);
}
