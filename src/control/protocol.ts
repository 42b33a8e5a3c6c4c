// The language of the control socket: one JSON object a line, both ways. A request is { protocol, cmdlet, parameters, files };
// the answer is any number of progress, record, notice, warning, failure, file and piece lines, then one `done` or `error` line. Records go
// one to a line, so that a long table needs no long line. Reading a request is request.ts: only the server pays for its schema.

import type { CmdletRequest } from '../cmdlets/binding.ts';
import type { OutputFile, OutputRecord, OutputValue } from '../cmdlets/output.ts';
import { Problem } from '../problem.ts';

/** Raised when an older client or server would misunderstand a line. */
export const PROTOCOL = 1;
/** A request may carry a file of 32 MiB in base64: a hundred thousand recipients are a quarter of that. */
export const MAX_REQUEST_BYTES = 48 * 1024 * 1024;
/** An answer's line may carry one file. */
export const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

export type Answer =
  | { readonly kind: 'progress' | 'notice' | 'warning' | 'failure'; readonly text: string }
  | { readonly kind: 'record'; readonly record: OutputRecord }
  | { readonly kind: 'file'; readonly file: OutputFile }
  /** The next piece of a file that is read while it is carried; the pieces together are the file. */
  | { readonly kind: 'piece'; readonly file: OutputFile }
  | { readonly kind: 'done' }
  | { readonly kind: 'error'; readonly code: string; readonly sentence: string };

/** The request as a line; throws Problem `request-too-large`. */
export function encodeRequest(request: CmdletRequest): string {
  const files = Object.entries(request.files ?? {}).map(([parameter, file]) => [
    parameter,
    { name: file.name, content: file.content.toString('base64') },
  ]);
  const { cmdlet, parameters } = request;
  const line = `${JSON.stringify({ protocol: PROTOCOL, cmdlet, parameters, files: Object.fromEntries(files) })}\n`;
  if (Buffer.byteLength(line) <= MAX_REQUEST_BYTES) return line;
  throw new Problem(
    'request-too-large',
    `what is given to ${cmdlet} is larger than ${MAX_REQUEST_BYTES / 2 ** 20} MB in all`,
  );
}

/** Undefined when the line is not JSON. */
export function parseJson(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The answer as a line. Dates become { $date }, files base64. */
export function encodeAnswer(answer: Answer): string {
  if (answer.kind === 'record') return `${JSON.stringify({ kind: 'record', record: encodeValue(answer.record) })}\n`;
  if (answer.kind !== 'file' && answer.kind !== 'piece') return `${JSON.stringify(answer)}\n`;
  const { kind, file } = answer;
  return `${JSON.stringify({ kind, file: { ...file, content: file.content.toString('base64') } })}\n`;
}

/** The answer in a line from our own server, which is trusted to keep its word; throws Problem `bad-answer`. */
export function decodeAnswer(line: Buffer): Answer {
  const answer = parseJson(line) as Answer | undefined;
  if (typeof answer !== 'object' || answer === null) {
    throw new Problem(
      'bad-answer',
      'the server answered something that is not JSON: is another program using its control socket?',
    );
  }
  if (answer.kind === 'record') return { kind: 'record', record: decodeValue(answer.record) as OutputRecord };
  if (answer.kind !== 'file' && answer.kind !== 'piece') return answer;
  return { kind: answer.kind, file: { ...answer.file, content: Buffer.from(String(answer.file.content), 'base64') } };
}

function encodeValue(value: OutputValue): unknown {
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? null : value.toISOString() };
  if (Array.isArray(value)) return value.map((item: OutputValue) => encodeValue(item));
  // JSON has no undefined, and a property without a value is still listed.
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, encodeValue(item as OutputValue)]));
}

function decodeValue(value: unknown): OutputValue {
  if (Array.isArray(value)) return value.map(decodeValue);
  if (typeof value !== 'object' || value === null) return value as OutputValue;
  if ('$date' in value) return typeof value.$date === 'string' ? new Date(value.$date) : null;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, decodeValue(item)]));
}
