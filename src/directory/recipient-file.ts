// Recipients from a CSV file (RFC 4180) with a header row: what each line asks for. A column that is not known or a line that
// cannot be understood is refused with its number, before anything is changed.

import { isUtf8 } from 'node:buffer';
import { CsvError, parse } from 'csv-parse';
import { isProblem, Problem } from '../problem.ts';
import { makeRecipient, type RecipientRequest } from './recipient.ts';
import type { ImportedRecipient } from './recipient-import.ts';

const COLUMNS = [
  'PrimarySmtpAddress',
  'Name',
  'DisplayName',
  'EmailAddresses',
  'RequireSenderAuthenticationEnabled',
] as const;
type Column = (typeof COLUMNS)[number];
type Row = Readonly<Partial<Record<Column, string>>>;

const TRUTHS: Readonly<Record<string, boolean>> = { true: true, $true: true, false: false, $false: false, '': false };
/** No line of a list of people is longer. */
const MAX_LINE_CHARACTERS = 65_536;

/** All of them; throws Problem `bad-file`, `bad-address` or `bad-name` with the line. */
export async function readRecipientFile(name: string, content: Buffer): Promise<ImportedRecipient[]> {
  if (!isUtf8(content)) throw new Problem('bad-file', `${name} is not in UTF-8: save it as CSV in UTF-8`);
  const imported: ImportedRecipient[] = [];
  const parser = parse(content, {
    bom: true,
    columns: (cells: readonly string[]) => readHeader(cells, `line 1 of ${name}`),
    info: true,
    max_record_size: MAX_LINE_CHARACTERS,
    skip_empty_lines: true,
    trim: true,
  });
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: Row; info: { lines: number } }>) {
      imported.push(readRow(record, `line ${info.lines} of ${name}`));
    }
  } catch (error) {
    if (error instanceof CsvError) throw new Problem('bad-file', `${name}: ${error.message}`, { cause: error });
    throw error;
  }
  if (imported.length === 0) throw new Problem('bad-file', `${name} has no recipient: a header row, then one a line`);
  return imported;
}

function readHeader(cells: readonly string[], place: string): Column[] {
  const columns = cells.map((cell) => COLUMNS.find((column) => column.toLowerCase() === cell.trim().toLowerCase()));
  const unknown = columns.indexOf(undefined);
  if (unknown >= 0 || !columns.includes('PrimarySmtpAddress')) {
    const reason = unknown >= 0 ? `"${cells[unknown]}" is no column` : 'there is no column PrimarySmtpAddress';
    throw new Problem('bad-file', `${place}: ${reason}; a header row may have ${COLUMNS.join(', ')}`);
  }
  return columns.filter((column) => column !== undefined);
}

function readRow(row: Row, place: string): ImportedRecipient {
  try {
    return { place, recipient: makeRecipient(toRequest(row)) };
  } catch (error) {
    if (isProblem(error)) throw new Problem(error.code, `${place}: ${error.message}`, { cause: error });
    throw error;
  }
}

function toRequest(row: Row): RecipientRequest {
  const flag = row.RequireSenderAuthenticationEnabled ?? '';
  const requireSenderAuthentication = TRUTHS[flag.toLowerCase()];
  if (requireSenderAuthentication === undefined) {
    throw new Problem('bad-file', `RequireSenderAuthenticationEnabled is "${flag}", neither true nor false`);
  }
  return {
    name: row.Name === '' ? undefined : row.Name,
    displayName: row.DisplayName,
    primaryAddress: row.PrimarySmtpAddress ?? '',
    otherAddresses: (row.EmailAddresses ?? '').split(/[;\s]+/).filter((address) => address !== ''),
    requireSenderAuthentication,
  };
}
