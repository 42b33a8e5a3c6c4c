// The options that belong to the shell and not to a cmdlet: which server, how to show the result, help. They may stand
// before or after the cmdlet's name, with one dash or two, in any letter case.

import { Problem } from '../problem.ts';

type View = 'table' | 'list' | 'json';

export interface ShellOptions {
  config?: string;
  dir?: string;
  clock?: string;
  lab?: boolean;
  help?: boolean;
  view?: View;
  /** What `| fl Name,Site` picks. */
  properties?: readonly string[];
}

const TAKES_VALUE = { config: 'FILE', dir: 'DIR', clock: 'OFFSET' } as const;

/** For help and completion. */
export const SHELL_OPTIONS = [
  { name: 'json', value: '', help: 'Print JSON' },
  { name: 'list', value: '', help: 'Print every property, one a line; the same as | fl' },
  { name: 'table', value: '', help: 'Print a table; the same as | ft' },
  { name: 'config', value: 'FILE', help: "The server's configuration file" },
  { name: 'dir', value: 'DIR', help: 'The folder that holds hub.yaml or edge.yaml' },
  { name: 'help', value: '', help: 'Show help' },
] as const;

/** A word that begins with a dash and a letter: `-Name`, `--name`, `-Name:value`, `--name=value`. "--" and "-1" are values. */
export interface NamedWord {
  /** Without dashes inside, so that --file-name is FileName. */
  readonly name: string;
  /** What followed the colon or the equals sign. */
  readonly inline: string | undefined;
}

export function parseNamedWord(word: string | undefined): NamedWord | undefined {
  const [whole, name, inline] = /^--?([A-Za-z][A-Za-z0-9-]*)(?:[:=](.*))?$/s.exec(word ?? '') ?? [];
  return whole === undefined || name === undefined ? undefined : { name: name.replaceAll('-', ''), inline };
}

/** Reads the shell's option at `index` into `options` and returns how many words it took; 0 when it is none of the shell's. */
export function takeShellOption(options: ShellOptions, words: readonly string[], index: number): number {
  const word = words[index];
  if (word === '-?' || word === '-h') {
    options.help = true;
    return 1;
  }
  const named = parseNamedWord(word);
  const name = named?.name.toLowerCase();
  if (name === 'config' || name === 'dir' || name === 'clock') {
    const value = named?.inline ?? words[index + 1];
    if (value === undefined || value === '')
      throw new Problem('missing-value', `--${name} needs a value: --${name} ${TAKES_VALUE[name]}`);
    options[name] = value;
    return named?.inline === undefined ? 2 : 1;
  }
  if (named?.inline !== undefined) return 0;
  if (name === 'help') options.help = true;
  else if (name === 'lab') options.lab = true;
  else if (name === 'json' || name === 'list' || name === 'table') options.view = name;
  else return 0;
  return 1;
}

/** Reads a format's words as PowerShell has them: `fl`, `ft`, `Format-List Name,Site`; false when they are none. */
export function takeFormat(options: ShellOptions, words: readonly string[]): boolean {
  const [verb, ...properties] = words;
  if (/^(?:fl|format-list)$/i.test(verb ?? '')) options.view = 'list';
  else if (/^(?:ft|format-table)$/i.test(verb ?? '')) options.view = 'table';
  else if (/^convertto-json$/i.test(verb ?? '')) options.view = 'json';
  else return false;
  const names = properties
    .flatMap((text) => text.split(','))
    .filter((name) => name !== '' && !/^-(?:autosize|wrap)$/i.test(name));
  if (names.length > 0) options.properties = names;
  return true;
}
