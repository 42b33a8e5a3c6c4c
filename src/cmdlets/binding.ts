// From a request with raw texts to the typed values that a cmdlet runs with. Names in any letter case; what is unknown,
// repeated, missing or unreadable is refused in one sentence before anything runs. Pure, and used on both sides of the
// control socket: the shell checks before it connects, the server because it trusts nobody's checks.

import { Problem } from '../problem.ts';
import { type CmdletDeclaration, parametersOf } from './cmdlet.ts';
import { readValue } from './parameter-values.ts';
import {
  type BoundParameters,
  type InputFile,
  type Parameter,
  type Parameters,
  type ParameterValue,
  takesSeveral,
} from './parameters.ts';
import { didYouMean } from './suggestion.ts';

/** A call as it travels: names, raw texts, and the content of the files that the door has read. */
export interface CmdletRequest {
  readonly cmdlet: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly files?: Readonly<Record<string, InputFile>>;
}

/** The cmdlet called `name` in any letter case; throws Problem `unknown-cmdlet`. */
export function findCmdlet<C extends CmdletDeclaration>(cmdlets: readonly C[], name: string): C {
  const found = cmdlets.find((cmdlet) => cmdlet.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const names = cmdlets.map((cmdlet) => cmdlet.name);
  throw new Problem('unknown-cmdlet', `${shorten(name)} is not a cmdlet of this server${didYouMean(name, names)}`);
}

/** The values of a call; throws Problem `unknown-parameter`, `repeated-parameter`, `missing-parameter`, `missing-file` or `bad-value`. */
export function bindParameters(cmdlet: CmdletDeclaration, request: CmdletRequest): BoundParameters {
  const parameters = parametersOf(cmdlet);
  const given = gatherTexts(cmdlet, parameters, request);
  refuseMissing(cmdlet, parameters, given);
  const bound: [string, ParameterValue | undefined][] = [];
  for (const [name, parameter] of Object.entries(parameters)) {
    bound.push([name, bindOne(name, parameter, { texts: given.get(name), file: request.files?.[name] })]);
  }
  return Object.fromEntries(bound);
}

function gatherTexts(
  cmdlet: CmdletDeclaration,
  parameters: Parameters,
  request: CmdletRequest,
): Map<string, readonly string[]> {
  const given = new Map<string, readonly string[]>();
  for (const [typed, texts] of Object.entries(request.parameters)) {
    const name = findParameter(cmdlet, parameters, typed);
    const parameter = parameters[name];
    if (texts.length === 0 || parameter === undefined) continue;
    if (given.has(name) || (texts.length > 1 && !takesSeveral(parameter))) {
      throw new Problem('repeated-parameter', `-${name} is given twice`);
    }
    given.set(name, texts);
  }
  return given;
}

/** The declared spelling of `typed`; throws Problem `unknown-parameter`. */
function findParameter(cmdlet: CmdletDeclaration, parameters: Parameters, typed: string): string {
  const names = Object.keys(parameters);
  const found = names.find((name) => name.toLowerCase() === typed.toLowerCase());
  if (found !== undefined) return found;
  throw new Problem(
    'unknown-parameter',
    `${cmdlet.name} has no parameter -${shorten(typed)}${didYouMean(typed, names, '-')}`,
  );
}

function refuseMissing(cmdlet: CmdletDeclaration, parameters: Parameters, given: ReadonlyMap<string, unknown>): void {
  const missing = missingParameters(parameters, given);
  if (missing.length === 0) return;
  throw new Problem('missing-parameter', `${cmdlet.name} needs ${missing.map((name) => `-${name}`).join(' and ')}`);
}

/** The required parameters that were not given. */
export function missingParameters(parameters: Parameters, given: { has(name: string): boolean }): readonly string[] {
  return Object.keys(parameters).filter((name) => parameters[name]?.required === true && !given.has(name));
}

interface Given {
  texts: readonly string[] | undefined;
  file: InputFile | undefined;
}

function bindOne(name: string, parameter: Parameter, given: Given): ParameterValue | undefined {
  const texts = given.texts ?? (parameter.default === undefined ? undefined : [parameter.default]);
  if (texts === undefined) return parameter.type === 'switch' ? false : undefined;
  if (parameter.type !== 'inputFile') return readValue(name, parameter, texts);
  if (given.file === undefined) throw new Problem('missing-file', `-${name}: the content of the file did not arrive`);
  return given.file;
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
