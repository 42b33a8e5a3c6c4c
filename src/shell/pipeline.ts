// What follows a cmdlet behind `|`, as PowerShell has it: where, sort, select and measure work on the records, fl, ft and
// ConvertTo-Json say how to show them. Pure. What a stage is is checked before the server is asked, what it says of properties
// when there are records, which alone know them.

import type { OutputRecord } from '../cmdlets/output.ts';
import { Problem } from '../problem.ts';
import { splitCommandLine } from './command-line.ts';
import { filterRecords } from './record-filter.ts';
import { measureRecords } from './record-measure.ts';
import { sortRecords } from './record-sort.ts';
import { selectProperties } from './list.ts';
import { type ShellOptions, takeFormat, takeShellOption } from './shell-options.ts';

/** One step between the server's answer and the terminal; throws Problem when it names what no record has. */
export type Stage = (records: readonly OutputRecord[]) => readonly OutputRecord[];

const VERBS: Readonly<Record<string, (words: readonly string[]) => Stage>> = {
  where: readWhere,
  'where-object': readWhere,
  '?': readWhere,
  sort: readSort,
  'sort-object': readSort,
  select: readSelect,
  'select-object': readSelect,
  measure: readMeasure,
  'measure-object': readMeasure,
};

export interface Pipeline {
  readonly stages: readonly Stage[];
  /** The records that come out are no longer those that the cmdlet has a table for. */
  readonly isReshaping: boolean;
}

/**
 * Reads what begins at the first bar, as words or as one quoted argument; a format and the shell's own options go into
 * `options`. Throws Problem `unknown-format` or what a stage refuses.
 */
export function readPipeline(words: readonly string[], options: ShellOptions): Pipeline {
  const stages: Stage[] = [];
  let isReshaping = false;
  const [, ...parts] = splitAtBars(takeOptions(words.flatMap(splitBarred), options));
  for (const [index, part] of parts.entries()) {
    const [verb = '', ...rest] = part;
    const read = VERBS[verb.toLowerCase()];
    if (read !== undefined) {
      stages.push(read(rest));
      isReshaping ||= /^(?:select|measure)/i.test(verb);
    } else if (!takeFormat(options, part)) throw unknownStage(part);
    else if (index < parts.length - 1)
      throw new Problem('unknown-format', `"| ${part.join(' ')}" says how to show the result, so it comes last`);
  }
  return { stages, isReshaping };
}

function splitBarred(word: string): string[] {
  return word.startsWith('|') ? splitCommandLine(word) : [word];
}

/** With one dash they would be parameters of a stage. */
function takeOptions(words: readonly string[], options: ShellOptions): string[] {
  const left: string[] = [];
  for (let index = 0; index < words.length; ) {
    const word = words[index] ?? '';
    const taken = word.startsWith('--') ? takeShellOption(options, words, index) : 0;
    if (taken === 0) left.push(word);
    index += Math.max(1, taken);
  }
  return left;
}

function splitAtBars(words: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  for (const word of words) {
    if (word === '|') parts.push([]);
    else parts.at(-1)?.push(word);
  }
  return parts;
}

function unknownStage(part: readonly string[]): Problem {
  return new Problem(
    'unknown-format',
    `"| ${part.join(' ')}" is not understood here; | where, | sort, | select, | measure, | fl, | ft and | ConvertTo-Json are`,
  );
}

function readWhere(words: readonly string[]): Stage {
  if (words.length === 0) throw new Problem('missing-value', "| where needs a comparison: | where Status -eq 'Retry'");
  // The whole condition as one quoted argument is a filter already.
  const typed = words.length === 1 ? (words[0] ?? '') : words.map(quoteAgain).join(' ');
  const text = typed.replaceAll('$_.', '');
  return (records) => filterRecords(records, text);
}

/** The shell took the quotation marks off; a filter needs them where there is more than one word in a value. */
function quoteAgain(word: string): string {
  return word === '' || /[\s'"]/.test(word) ? `'${word.replaceAll("'", "''")}'` : word;
}

function readSort(words: readonly string[]): Stage {
  const isDescending = words.some(isDescendingSwitch);
  const names = namesIn(words.filter((word) => !isDescendingSwitch(word)));
  if (names.length === 0)
    throw new Problem('missing-value', '| sort needs a property: | sort MessageCount -Descending');
  return (records) => sortRecords(records, names, isDescending);
}

function isDescendingSwitch(word: string): boolean {
  return /^-desc(?:ending)?$/i.test(word);
}

interface Selection {
  readonly names: readonly string[];
  readonly first?: number;
  readonly last?: number;
}

function readSelect(words: readonly string[]): Stage {
  const { names, first, last } = readSelection(words);
  return (records) => {
    const cut = last === undefined ? records.slice(0, first) : records.slice(-last);
    return names.length === 0 ? cut : cut.map((record) => selectProperties(record, names));
  };
}

function readSelection(words: readonly string[]): Selection {
  const names: string[] = [];
  const counts: { first?: number; last?: number } = {};
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    const [, end] = /^-(first|last)$/i.exec(word) ?? [];
    if (end === undefined) names.push(word);
    else counts[end.toLowerCase() as 'first' | 'last'] = readCount(word, words[++index]);
  }
  if (names.length === 0 && counts.first === undefined && counts.last === undefined)
    throw new Problem('missing-value', '| select needs properties or a count: | select Identity,Status -First 5');
  if (counts.first !== undefined && counts.last !== undefined)
    throw new Problem('bad-value', '| select takes -First or -Last, not both');
  return { names: namesIn(names), ...counts };
}

function readCount(name: string, text: string | undefined): number {
  if (text !== undefined && /^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new Problem('bad-value', `| select ${name} needs a whole number from 1 on, such as ${name} 5`);
}

function readMeasure(words: readonly string[]): Stage {
  const names = namesIn(words.filter((word) => !word.startsWith('-')));
  const switches = words.filter((word) => word.startsWith('-'));
  const unknown = switches.find((word) => !/^-(?:sum|average|minimum|maximum|property)$/i.test(word));
  if (unknown !== undefined)
    throw new Problem('unknown-parameter', `| measure has no parameter ${unknown}; it always shows all it can`);
  return (records) => measureRecords(records, names);
}

function namesIn(words: readonly string[]): string[] {
  const names = words.flatMap((word) => word.split(',')).filter((name) => name !== '');
  const odd = names.find((name) => name.startsWith('-') && name !== '-');
  if (odd !== undefined) throw new Problem('unknown-parameter', `"${odd}" is no property and no parameter known here`);
  return names;
}

/** The records after all stages. */
export function runPipeline(records: readonly OutputRecord[], stages: readonly Stage[]): readonly OutputRecord[] {
  return stages.reduce((left, stage) => stage(left), records);
}
