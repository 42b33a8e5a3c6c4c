// From what a client wrote (a JSON body, or the query of a GET) to the texts that a cmdlet is called with. What they mean and
// whether they are right is decided where it is for every door: cmdlets/binding.ts. Files travel as their content, never as paths.

import { z } from 'zod';
import type { CmdletRequest } from '../cmdlets/binding.ts';
import { type CmdletDeclaration, parametersOf } from '../cmdlets/cmdlet.ts';
import { type InputFile, type Parameter, takesSeveral } from '../cmdlets/parameters.ts';
import { Problem } from '../problem.ts';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const file = z.strictObject({ name: z.string().max(255).default('file'), content: z.base64() });
const MAX_VALUES = 10_000;

/** The call of a POST; throws Problem `bad-value` or `bad-body`. */
export function readBody(cmdlet: CmdletDeclaration, body: unknown): CmdletRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Problem('bad-body', 'the body is an object of parameters such as {"Identity": "EDGE01"}');
  const parameters: Record<string, readonly string[]> = {};
  const files: Record<string, InputFile> = {};
  for (const [typed, value] of Object.entries(body)) {
    const declared = findParameter(cmdlet, typed);
    if (declared?.parameter.type === 'inputFile') {
      const given = readFile(declared.name, value);
      files[declared.name] = given;
      parameters[typed] = [given.name];
    } else parameters[typed] = readTexts(typed, declared?.parameter, value);
  }
  return { cmdlet: cmdlet.name, parameters, files };
}

/** The call of a GET: texts alone, and no secret, since addresses are written down in many places. */
export function readQuery(cmdlet: CmdletDeclaration, query: Readonly<Record<string, unknown>>): CmdletRequest {
  const parameters: Record<string, readonly string[]> = {};
  for (const [typed, value] of Object.entries(query)) {
    const type = findParameter(cmdlet, typed)?.parameter.type;
    if (type === 'secret' || type === 'inputFile')
      throw new Problem('bad-value', `-${typed} has no place in an address: use POST`);
    const texts = [value].flat().map(String);
    parameters[typed] = type === 'switch' && texts.join('') === '' ? ['true'] : texts;
  }
  return { cmdlet: cmdlet.name, parameters };
}

function findParameter(
  cmdlet: CmdletDeclaration,
  typed: string,
): { readonly name: string; readonly parameter: Parameter } | undefined {
  const found = Object.entries(parametersOf(cmdlet)).find(([name]) => name.toLowerCase() === typed.toLowerCase());
  return found && { name: found[0], parameter: found[1] };
}

function readFile(name: string, value: unknown): InputFile {
  const parsed = file.safeParse(value);
  if (!parsed.success)
    throw new Problem('bad-value', `-${name}: a file is written as {"name": "edge.xml", "content": "<base64>"}`);
  return { name: parsed.data.name, content: Buffer.from(parsed.data.content, 'base64') };
}

function readTexts(name: string, parameter: Parameter | undefined, value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [textOf(name, value)];
  if (value.length > MAX_VALUES) throw new Problem('bad-value', `-${name}: there are more than ${MAX_VALUES} values`);
  // An empty list is a value: it empties what was there.
  if (value.length === 0) return ['$null'];
  const texts = value.map((item) => textOf(name, item));
  return parameter && takesSeveral(parameter) ? texts.map((text) => quoteItem(name, text)) : texts;
}

function textOf(name: string, value: unknown): string {
  const parsed = scalar.safeParse(value);
  if (!parsed.success) throw new Problem('bad-value', `-${name}: neither a text, a number, true or false, nor a list`);
  return parsed.data === null ? '$null' : String(parsed.data);
}

/** A value of a list is one value, commas and all. */
function quoteItem(name: string, text: string): string {
  if (!/[,"']/.test(text)) return text;
  const quote = ['"', "'"].find((mark) => !text.includes(mark));
  if (quote === undefined) throw new Problem('bad-value', `-${name}: a value holds both kinds of quotation marks`);
  return `${quote}${text}${quote}`;
}
