// What a command reads for its cmdlet: files of at most 32 MiB, and secrets from a file, from stdin or, unseen, from a person.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { InputFile } from '../cmdlets/parameters.ts';
import { Problem } from '../problem.ts';
import { escapeText } from '../unsafe-text.ts';
import { isInteractive, type Terminal } from './terminal.ts';

/** Largest file that a cmdlet is given. */
const MAX_INPUT_FILE_BYTES = 32 * 1024 * 1024;
const READ_BYTES = 1024 * 1024;
const MAX_SECRET_BYTES = 64 * 1024;

/** The file named by `name`, or stdin for "-"; throws Problem `file-unreadable` or `file-too-large`. */
export async function readInputFile(name: string, terminal: Terminal): Promise<InputFile> {
  if (name === '-') return { name, content: await readAll(terminal, MAX_INPUT_FILE_BYTES) };
  return { name, content: readBounded(resolve(terminal.folder, name), MAX_INPUT_FILE_BYTES) };
}

/** A secret from a file; "-" is stdin, where a person is asked without an echo. One final line end does not belong to it. */
export async function readSecret(parameter: string, name: string, terminal: Terminal): Promise<string> {
  if (name === '-' && isInteractive(terminal)) return askUnseen(parameter, terminal);
  const content =
    name === '-'
      ? await readAll(terminal, MAX_SECRET_BYTES)
      : readBounded(resolve(terminal.folder, name), MAX_SECRET_BYTES);
  return content.toString('utf8').replace(/\r?\n$/, '');
}

function readBounded(path: string, maxBytes: number): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    if (fstatSync(descriptor).isDirectory()) throw new Problem('file-unreadable', `${path} is a folder`);
    return readDescriptor(descriptor, path, maxBytes);
  } finally {
    closeSync(descriptor);
  }
}

/** Not by its size first: a pipe such as bash's <(...) has none. */
function readDescriptor(descriptor: number, path: string, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  let filled = 0;
  while (filled <= maxBytes) {
    const chunk = Buffer.alloc(Math.min(READ_BYTES, maxBytes + 1 - filled));
    const read = readSync(descriptor, chunk, 0, chunk.length, null);
    if (read === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, read));
    filled += read;
  }
  throw tooLarge(path, maxBytes);
}

function unreadable(path: string, error: unknown): Problem {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new Problem('file-unreadable', `there is no file ${path}`);
  if (code === 'EACCES') return new Problem('file-unreadable', `you may not read ${path}`);
  return new Problem('file-unreadable', `${path} cannot be read (${code})`);
}

function tooLarge(name: string, maxBytes: number): Problem {
  return new Problem('file-too-large', `${name} is larger than ${maxBytes / 1024} KB`);
}

async function readAll(terminal: Terminal, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of terminal.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array | string);
    size += bytes.length;
    if (size > maxBytes) throw tooLarge('stdin', maxBytes);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

async function askUnseen(parameter: string, terminal: Terminal): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  terminal.stderr.write(`${parameter}: `);
  const lines = createInterface({ input: terminal.stdin, output: silent, terminal: true });
  try {
    const secret = await readLine(lines);
    if (secret === undefined) throw new Problem('cancelled', `no ${parameter} was given`);
    return secret;
  } finally {
    lines.close();
    terminal.stderr.write('\n');
  }
}

/** True when the person answers yes. */
export async function askPerson(question: string, terminal: Terminal): Promise<boolean> {
  terminal.stderr.write(`${escapeText(question)} [y/N] `);
  const lines = createInterface({ input: terminal.stdin });
  try {
    return /^\s*y(?:es)?\s*$/i.test((await readLine(lines)) ?? '');
  } finally {
    lines.close();
  }
}

/** The line that was typed; undefined after Ctrl-C or Ctrl-D, which only close the interface. */
export function readLine(lines: Interface): Promise<string | undefined> {
  return new Promise((resolve) => {
    lines.once('line', resolve);
    lines.once('close', () => resolve(undefined));
  });
}
