// What a cmdlet hands back: records in the order it wants them listed, and values that each door shows in its own way
// (a size is "35 MB (36,700,160 bytes)" to a person and a number in JSON). Plain data, so that it crosses the control socket.

/** Bytes, or no limit. */
export interface OutputSize {
  readonly $size: number | 'unlimited';
}

/** A length of time in milliseconds. */
export interface OutputTimeSpan {
  readonly $timeSpan: number;
}

export interface OutputRecord {
  readonly [property: string]: OutputValue;
}

export type OutputValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | Date
  | OutputSize
  | OutputTimeSpan
  | readonly OutputValue[]
  | OutputRecord;

/** A file for the door to write where the command was typed. */
export interface OutputFile {
  /** The outputFile parameter that names it. */
  readonly parameter: string;
  readonly content: Buffer;
  /** Permission bits; 0o600 when absent. */
  readonly mode?: number;
}

/** The same for content of any size, which is read while it is carried to the door. When that fails, no file is written. */
export interface OutputStream {
  /** The outputFile parameter that names the file; where it was not given, the content is printed as it is. */
  readonly parameter: string;
  readonly content: AsyncIterable<Buffer>;
}

export interface CmdletOutput {
  readonly records: readonly OutputRecord[];
  /** Sentences for the person, shown even where the table is empty. */
  readonly notices?: readonly string[];
  readonly warnings?: readonly string[];
  /** What did not come about although the cmdlet ran; the door says it like a refusal and exits with 1. */
  readonly failures?: readonly string[];
  readonly files?: readonly OutputFile[];
  readonly stream?: OutputStream;
}

/** A column of the default table: a property's name, or a heading with a value made for the table. */
export type Column = string | { readonly header: string; readonly value: (record: OutputRecord) => OutputValue };

/** `bytes` as a value that people read in megabytes. */
export function sizeValue(bytes: number | 'unlimited'): OutputSize {
  return { $size: bytes };
}

/** `durationMs` as a value that people read as 1.02:03:04. */
export function timeSpanValue(durationMs: number): OutputTimeSpan {
  return { $timeSpan: durationMs };
}

export function isSize(value: OutputValue): value is OutputSize {
  return isPlainObject(value) && '$size' in value;
}

export function isTimeSpan(value: OutputValue): value is OutputTimeSpan {
  return isPlainObject(value) && '$timeSpan' in value;
}

export function isList(value: OutputValue): value is readonly OutputValue[] {
  return Array.isArray(value);
}

function isPlainObject(value: OutputValue): value is OutputRecord {
  return typeof value === 'object' && value !== null && !(value instanceof Date) && !isList(value);
}
