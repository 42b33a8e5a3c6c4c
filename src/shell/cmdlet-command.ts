// One cmdlet from the command line to the printed result: words, files and secrets are read, everything is checked that can
// be checked here, a person is asked if need be, the running server executes it, and files are written where it was typed.

import { bindParameters, type CmdletRequest, missingParameters } from '../cmdlets/binding.ts';
import { type CmdletDeclaration, outputFilesOf, parametersOf } from '../cmdlets/cmdlet.ts';
import type { Role } from '../config.ts';
import type { CmdletOutput } from '../cmdlets/output.ts';
import { type OutputPlace, refuseUnwritable, saveOutputFile } from '../cmdlets/output-file.ts';
import type { BoundParameters, InputFile } from '../cmdlets/parameters.ts';
import { callCmdlet } from '../control/client.ts';
import { type CmdletWords, readCmdletWords } from './cmdlet-words.ts';
import type { Doors } from './doors.ts';
import { DONE, REFUSED } from './exit-code.ts';
import { formatCmdletHelp } from './help.ts';
import { askPerson, readInputFile, readSecret } from './input.ts';
import { locateConfig } from './location.ts';
import { type Pipeline, runPipeline } from './pipeline.ts';
import { printOutput, printProblem } from './printing.ts';
import type { ShellOptions } from './shell-options.ts';
import { isInteractive, type Terminal } from './terminal.ts';
import { escapeText } from '../unsafe-text.ts';

export interface CmdletCommand {
  readonly role: Role;
  readonly cmdlet: CmdletDeclaration;
  /** What follows the cmdlet's name. */
  readonly words: readonly string[];
  /** What stood before it. */
  readonly options: ShellOptions;
}

/** Whoever ends the command ends its process. */
const NEVER = new AbortController().signal;

/** Runs the command and returns its exit code; throws Problem for what the person can put right. */
export async function runCmdletCommand(command: CmdletCommand, doors: Doors, terminal: Terminal): Promise<number> {
  const { cmdlet, options, role } = command;
  const words = readCmdletWords(cmdlet, command.words, options);
  if (options.help === true) {
    terminal.stdout.write(`${formatCmdletHelp(role, cmdlet)}\n`);
    return DONE;
  }
  const request = await completeRequest(cmdlet, words, terminal);
  const bound = bindParameters(cmdlet, request);
  const places = outputPlaces(cmdlet, bound, terminal);
  for (const place of places.values()) refuseUnwritable(place);
  const configPath = locateConfig(role, options, terminal);
  const socketPath = await doors.socketPathFor(role, configPath);
  if (!(await isConfirmed(cmdlet, { bound, request }, terminal))) {
    printProblem(`${cmdlet.name} was not carried out`, terminal);
    return REFUSED;
  }
  const progress = (text: string): void => showProgress(text, terminal);
  const output = cmdlet.offline?.isWanted(bound)
    ? await cmdlet.offline.run(await doors.offlineContext(role, configPath), bound, { progress, signal: NEVER })
    : await callCmdlet(socketPath, request, {
        startCommand: `relaypair ${role} --config ${configPath}`,
        onProgress: progress,
      });
  saveFiles(output, places, terminal);
  printPiped(cmdlet, output, { pipeline: words.pipeline, options, terminal });
  for (const failure of output.failures ?? []) printProblem(failure, terminal);
  return (output.failures ?? []).length === 0 ? DONE : REFUSED;
}

function printPiped(
  cmdlet: CmdletDeclaration,
  output: CmdletOutput,
  shown: { readonly pipeline: Pipeline; readonly options: ShellOptions; readonly terminal: Terminal },
): void {
  const { stages, isReshaping } = shown.pipeline;
  const piped = { ...output, records: runPipeline(output.records, stages) };
  if (!isReshaping) return printOutput(cmdlet, piped, shown);
  printOutput({ ...cmdlet, table: [], view: 'table' }, piped, {
    ...shown,
    options: { properties: ['*'], ...shown.options },
  });
}

/** Reads what is not on the command line: the content of files, secrets from a file or a person. */
async function completeRequest(
  cmdlet: CmdletDeclaration,
  words: CmdletWords,
  terminal: Terminal,
): Promise<CmdletRequest> {
  const declared = parametersOf(cmdlet);
  const parameters: Record<string, string[]> = { ...words.parameters };
  const files: Record<string, InputFile> = {};
  for (const [name, parameter] of Object.entries(declared)) {
    const text = parameters[name]?.[0];
    if (parameter.type === 'inputFile' && text !== undefined) files[name] = await readInputFile(text, terminal);
    if (parameter.type !== 'secret') continue;
    const isAsked = isInteractive(terminal) && missingParameters(declared, given(words)).includes(name);
    const source = words.secretFiles[name] ?? (text === '-' || isAsked ? '-' : undefined);
    if (source !== undefined) parameters[name] = [await readSecret(name, source, terminal)];
  }
  return { cmdlet: cmdlet.name, parameters, files };
}

function given(words: CmdletWords): ReadonlySet<string> {
  return new Set([...Object.keys(words.parameters), ...Object.keys(words.secretFiles)]);
}

function outputPlaces(cmdlet: CmdletDeclaration, bound: BoundParameters, terminal: Terminal): Map<string, OutputPlace> {
  const places = new Map<string, OutputPlace>();
  for (const parameter of outputFilesOf(cmdlet)) {
    const name = bound[parameter];
    if (typeof name === 'string' && name !== '') {
      places.set(parameter, { folder: terminal.folder, name, overwrite: bound['Force'] === true });
    }
  }
  return places;
}

/** Asks on a terminal only; -Force and -Confirm:false answer beforehand, -Confirm asks even where the cmdlet would not. */
async function isConfirmed(
  cmdlet: CmdletDeclaration,
  call: { bound: BoundParameters; request: CmdletRequest },
  terminal: Terminal,
): Promise<boolean> {
  const { bound, request } = call;
  if (!isInteractive(terminal)) return true;
  const isWanted = request.parameters['Confirm'] === undefined ? bound['Force'] !== true : bound['Confirm'] === true;
  if (!isWanted) return true;
  const wish = bound['Confirm'] === true ? `Carry out ${cmdlet.name}?` : undefined;
  const question = cmdlet.confirm?.(bound) ?? wish;
  return question === undefined || askPerson(question, terminal);
}

function showProgress(text: string, terminal: Terminal): void {
  if (terminal.stderr.isTTY === true) terminal.stderr.write(`${escapeText(text)}\n`);
}

/** A file that nobody gave a name is printed: as it is into a pipe, made harmless for a person's terminal. */
function saveFiles(output: CmdletOutput, places: ReadonlyMap<string, OutputPlace>, terminal: Terminal): void {
  for (const file of output.files ?? []) {
    const place = places.get(file.parameter);
    if (place !== undefined) saveOutputFile(place, file);
    else if (terminal.stdout.isTTY === true) terminal.stdout.write(escapeLines(file.content));
    else terminal.stdout.write(file.content);
  }
}

function escapeLines(content: Buffer): string {
  return content
    .toString()
    .split(/\r?\n/)
    .map((line) => escapeText(line))
    .join('\n');
}
