// Puts a cmdlet's output on the terminal in the view that was asked for. Results and notices go to stdout, warnings to
// stderr; with --json stdout holds the JSON and nothing else.

import type { CmdletDeclaration } from '../cmdlets/cmdlet.ts';
import type { CmdletOutput, Column, OutputRecord } from '../cmdlets/output.ts';
import { formatList, selectProperties } from './list.ts';
import type { ShellOptions } from './shell-options.ts';
import { formatTable } from './table.ts';
import type { Terminal } from './terminal.ts';
import { escapeText } from '../unsafe-text.ts';
import { formatJson } from './values.ts';

/** Prints records, notices and warnings. */
export function printOutput(
  cmdlet: CmdletDeclaration,
  output: CmdletOutput,
  shown: { options: ShellOptions; terminal: Terminal },
): void {
  const { options, terminal } = shown;
  const lines = layOut(cmdlet, output.records, shown);
  if (lines.length > 0) terminal.stdout.write(`${lines.join('\n')}\n`);
  const notices = options.view === 'json' ? terminal.stderr : terminal.stdout;
  for (const notice of output.notices ?? []) notices.write(`${escapeText(notice)}\n`);
  for (const warning of output.warnings ?? []) terminal.stderr.write(`WARNING: ${escapeText(warning)}\n`);
}

function layOut(
  cmdlet: CmdletDeclaration,
  records: readonly OutputRecord[],
  shown: { options: ShellOptions; terminal: Terminal },
): string[] {
  const { view = cmdlet.view ?? 'table', properties } = shown.options;
  const { isTTY, columns } = shown.terminal.stdout;
  if (view === 'json') return [formatJson(select(records, properties))];
  if (view === 'list') return formatList(select(records, properties));
  return formatTable(records, tableColumns(cmdlet, records, properties), isTTY === true ? columns : undefined);
}

function select(records: readonly OutputRecord[], properties: readonly string[] | undefined): readonly OutputRecord[] {
  return properties === undefined ? records : records.map((record) => selectProperties(record, properties));
}

/** The properties asked for, in the declared column's own way where there is one; else the declared columns. */
function tableColumns(
  cmdlet: CmdletDeclaration,
  records: readonly OutputRecord[],
  properties: readonly string[] | undefined,
): readonly Column[] {
  // A cmdlet that prints a list by itself may have no columns of its own.
  const patterns = properties ?? (cmdlet.view === 'list' && cmdlet.table.length === 0 ? ['*'] : undefined);
  if (patterns === undefined) return cmdlet.table;
  const names = Object.keys(selectProperties(Object.assign({}, ...records) as OutputRecord, patterns));
  return names.map(
    (name) => cmdlet.table.find((column) => typeof column !== 'string' && column.header === name) ?? name,
  );
}

/** One sentence on stderr. */
export function printProblem(sentence: string, terminal: Terminal): void {
  terminal.stderr.write(`relaypair: ${escapeText(sentence)}\n`);
}
