// The kind of all cmdlets. One declaration gives name, roles, typed parameters, table, help and handler; the shell, the HTTP
// API, completion, the docs and the page are derived from it. To add one: write src/cmdlets/verb-noun.ts, list it in
// cmdlets.ts. A cmdlet never prints: it returns records, notices and files, and the door it was called through shows them.

import type { Clock } from '../clock.ts';
import type { Config, Role } from '../config.ts';
import type { Log } from '../log.ts';
import type { CmdletOutput, Column, OutputRecord } from './output.ts';
import type { Arguments, BoundParameters, Parameter, Parameters } from './parameters.ts';

/** What a running cmdlet can tell its caller, and hear from it. */
export interface CmdletCall {
  /** Shows a line to whoever waits, and says the same to a program in a record; it is not part of the result. */
  progress(text: string, record?: OutputRecord): void;
  /** Aborted when the caller has gone. */
  readonly signal: AbortSignal;
}

/** What a cmdlet may touch where no server runs. */
export interface OfflineContext {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
}

/** How a cmdlet runs by itself, on what a stopped server has left in its folder. */
interface OfflineRun {
  /** Whether these parameters ask for it. */
  isWanted(parameters: BoundParameters): boolean;
  /** Throws Problem for what the person can put right; `in-use` where a server runs. */
  run(context: OfflineContext, parameters: BoundParameters, call: CmdletCall): Promise<CmdletOutput>;
}

/** Everything of a cmdlet that is data, and all that a door needs to know. */
export interface CmdletDeclaration {
  /** Verb-Noun in Exchange's spelling. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** One line without a full stop. */
  readonly synopsis: string;
  readonly description?: string;
  /** As a person would type them, without `relaypair hub`. */
  readonly examples?: readonly string[];
  readonly parameters: Parameters;
  /** Names of the parameters that may be given without `-Name`, in order. */
  readonly positional?: readonly string[];
  /** Columns of the default table; [] prints nothing but notices. */
  readonly table: readonly Column[];
  /** What is printed unless the person asks otherwise; default `table`. */
  readonly view?: 'table' | 'list';
  /** False: it only reads. */
  readonly changes: boolean;
  /** Carried out for the owner's socket alone; no other door knows it. */
  readonly localOnly?: true;
  /** Without it the cmdlet always needs a running server. */
  readonly offline?: OfflineRun;
  /** The question to ask a person first, if these parameters deserve one. */
  confirm?(parameters: BoundParameters): string | undefined;
}

/** A cmdlet that runs in a server of which `Context` is what it may touch. */
export interface Cmdlet<Context> extends CmdletDeclaration {
  /** Throws Problem for what the person can put right. */
  run(context: Context, parameters: BoundParameters, call: CmdletCall): Promise<CmdletOutput> | CmdletOutput;
}

interface TypedCmdlet<Context, P extends Parameters> extends Omit<CmdletDeclaration, 'parameters' | 'confirm'> {
  readonly parameters: P;
  confirm?(parameters: Arguments<P>): string | undefined;
  run(context: Context, parameters: Arguments<P>, call: CmdletCall): Promise<CmdletOutput> | CmdletOutput;
}

/** Declares a cmdlet; `parameters` in `run` and `confirm` have the declared types. Annotate `context` there. */
export function defineCmdlet<Context, const P extends Parameters>(cmdlet: TypedCmdlet<Context, P>): Cmdlet<Context> {
  // The method's parameter types narrow here: safe because binding.ts makes the values out of this very declaration.
  return cmdlet;
}

const CONFIRM: Parameter = { type: 'switch', help: 'Ask before anything is changed; -Confirm:false never asks' };
const FORCE: Parameter = { type: 'switch', help: 'Do not ask, and overwrite files' };

/** The declared parameters and those that come by themselves: -Confirm where something changes, -Force where it has a use. */
export function parametersOf(cmdlet: CmdletDeclaration): Parameters {
  const forceHelps = cmdlet.confirm !== undefined || outputFilesOf(cmdlet).length > 0;
  return {
    ...cmdlet.parameters,
    ...(forceHelps && cmdlet.parameters['Force'] === undefined ? { Force: FORCE } : {}),
    ...(cmdlet.changes && cmdlet.parameters['Confirm'] === undefined ? { Confirm: CONFIRM } : {}),
  };
}

/** The names of the parameters that name a file to be written. */
export function outputFilesOf(cmdlet: CmdletDeclaration): readonly string[] {
  return Object.keys(cmdlet.parameters).filter((name) => cmdlet.parameters[name]?.type === 'outputFile');
}

/** What is wrong with a declaration, for the contract test: names, roles, positions and texts that doors rely on. */
export function faultsOf(cmdlet: CmdletDeclaration): readonly string[] {
  const faults: string[] = [];
  if (!/^[A-Z][a-z]+-[A-Z][A-Za-z]+$/.test(cmdlet.name)) faults.push(`${cmdlet.name} is not spelled Verb-Noun`);
  if (cmdlet.roles.length === 0) faults.push('no role runs it');
  if (cmdlet.synopsis === '' || cmdlet.synopsis.endsWith('.'))
    faults.push('the synopsis is empty or ends with a full stop');
  if (!cmdlet.changes && cmdlet.confirm !== undefined) faults.push('it asks for confirmation but changes nothing');
  for (const name of cmdlet.positional ?? []) {
    if (cmdlet.parameters[name] === undefined) faults.push(`positional ${name} is not declared`);
  }
  for (const [name, parameter] of Object.entries(cmdlet.parameters)) faults.push(...parameterFaults(name, parameter));
  return faults;
}

/** Words that every door keeps for itself. */
const RESERVED = new Set(['config', 'dir', 'json', 'list', 'table', 'help', 'clock']);

function parameterFaults(name: string, parameter: Parameter): string[] {
  const faults: string[] = [];
  if (!/^[A-Z][A-Za-z0-9]*$/.test(name)) faults.push(`-${name} is not spelled as Exchange spells parameters`);
  if (RESERVED.has(name.toLowerCase())) faults.push(`-${name} is an option of the shell`);
  if (parameter.help === '' || parameter.help.endsWith('.'))
    faults.push(`-${name}'s help is empty or ends with a full stop`);
  if (parameter.required === true && parameter.default !== undefined)
    faults.push(`-${name} is required and has a default`);
  return faults;
}
