// How a typed text becomes a value: one small reader for each parameter type. Pure. A text that does not fit is refused in
// one sentence that quotes it (never a secret) and says how to write it.

import { parseDuration } from '../duration.ts';
import { isProblem, Problem } from '../problem.ts';
import { parseSize } from '../size.ts';
import type { Parameter, ParameterValue } from './parameters.ts';

/** Longest single value; the control socket bounds the whole. */
const MAX_TEXT_LENGTH = 64 * 1024;

/** The value of one or more texts (more than one only for types that take several); throws Problem `bad-value`. */
export function readValue(name: string, parameter: Parameter, texts: readonly string[]): ParameterValue {
  if (texts.some((text) => text.length > MAX_TEXT_LENGTH))
    throw refuse(name, 'a value is longer than 65,536 characters');
  if (parameter.type === 'strings') return splitLists(texts).map((text) => plainText(name, text));
  if (parameter.type === 'enums') return splitLists(texts).map((text) => choice(name, text, parameter.choices));
  return readSingle(name, parameter, texts[0] ?? '');
}

function readSingle(name: string, parameter: Parameter, text: string): ParameterValue {
  switch (parameter.type) {
    case 'integer':
      return integer(name, text, parameter);
    case 'count':
      return isUnlimited(text) ? 'unlimited' : integer(name, text, parameter);
    case 'boolean':
    case 'switch':
      return boolean(name, text);
    case 'duration':
      return duration(name, text);
    case 'size':
      return isUnlimited(text) ? 'unlimited' : size(name, text);
    case 'date':
      return date(name, text);
    case 'enum':
      return choice(name, text, parameter.choices);
    case 'thumbprint':
      return thumbprint(name, text);
    case 'secret':
      if (text === '') throw refuse(name, 'is empty');
      return text;
    default:
      return plainText(name, text === '$null' ? '' : text);
  }
}

function refuse(name: string, reason: string): Problem {
  return new Problem('bad-value', `-${name}: ${reason}`);
}

/** A text between quotes for a sentence, cut to a readable length. */
function quote(text: string): string {
  return `"${text.length > 80 ? `${text.slice(0, 77)}...` : text}"`;
}

/** Commas separate, except between quotes: `a, "CN=b,O=c"`. */
export function splitLists(texts: readonly string[]): string[] {
  return texts.flatMap((text) => {
    if (text.trim() === '$null') return [];
    const parts = text.match(/(?:"[^"]*"|'[^']*'|[^,])+/g) ?? [];
    return parts.map((part) => part.trim().replace(/^(["'])(.*)\1$/s, '$2')).filter((part) => part !== '');
  });
}

/** Control characters have no place in any name, address or comment, and some values end up on the wire. */
function plainText(name: string, text: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text)) throw refuse(name, 'contains a control character such as a line break');
  if (!text.isWellFormed()) throw refuse(name, 'is not valid Unicode');
  return text;
}

function integer(name: string, text: string, limits: { minimum?: number; maximum?: number }): number {
  const value = Number(text);
  if (!/^[+-]?\d{1,15}$/.test(text.trim())) throw refuse(name, `${quote(text)} is not a whole number`);
  const { minimum, maximum } = limits;
  if (minimum !== undefined && value < minimum) throw refuse(name, `${value} is less than ${minimum}`);
  if (maximum !== undefined && value > maximum) throw refuse(name, `${value} is more than ${maximum}`);
  return value;
}

function boolean(name: string, text: string): boolean {
  const word = text.trim().toLowerCase().replace(/^\$/, '');
  if (word === 'true' || word === '1') return true;
  if (word === 'false' || word === '0') return false;
  // An unquoted $true or $false is an empty variable to sh and bash.
  const hint = text === '' ? `; a shell empties an unquoted $true, so write true or false` : '';
  throw refuse(name, `${quote(text)} is neither $true nor $false${hint}`);
}

function duration(name: string, text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (isProblem(error)) throw refuse(name, error.message);
    throw error;
  }
}

function isUnlimited(text: string): boolean {
  return text.trim().toLowerCase() === 'unlimited';
}

function size(name: string, text: string): number {
  try {
    return parseSize(text);
  } catch {
    throw refuse(name, `${quote(text)} is not a size; write it as 512KB, 10MB, 1GB or unlimited`);
  }
}

const DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?))?(Z|[+-]\d{2}:\d{2})?$/i;

/** ISO 8601, with T or a space; without a zone it is UTC, as dates are shown. */
function date(name: string, text: string): Date {
  const [, day, time, zone] = DATE.exec(text.trim()) ?? [];
  const value = new Date(`${day}T${time ?? '00:00'}${zone?.toUpperCase() ?? 'Z'}`);
  // Date.parse turns the 31st of February into a day in March.
  const start = new Date(`${day}T00:00Z`);
  const exists = day !== undefined && !Number.isNaN(start.getTime()) && start.toJSON().startsWith(day);
  if (!exists || Number.isNaN(value.getTime())) {
    throw refuse(
      name,
      `${quote(text)} is not a date; write it as 2027-12-24, 2027-12-24T20:00:00Z or 2027-12-24T20:00:00+01:00`,
    );
  }
  return value;
}

function choice(name: string, text: string, choices: readonly string[]): string {
  const found = choices.find((candidate) => candidate.toLowerCase() === text.trim().toLowerCase());
  if (found === undefined) throw refuse(name, `${quote(text)} is not one of ${choices.join(', ')}`);
  return found;
}

/** With or without separators. The invisible mark (U+200E) that Windows' certificate dialog puts in front when copied goes too. */
function thumbprint(name: string, text: string): string {
  const digits = text.replaceAll(/[\s:\u200e\u200f-]/g, '').toUpperCase();
  if (!/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(digits)) {
    throw refuse(name, `${quote(text)} is not a thumbprint of 40 (SHA-1) or 64 (SHA-256) hexadecimal digits`);
  }
  return digits;
}
