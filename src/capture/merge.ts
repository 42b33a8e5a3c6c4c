// Puts secrets into a capture that somebody else made, dumpcap or tcpdump: out comes pcapng with the secrets before all
// packets. Only those of sessions that are in the capture, since whoever gets the file gets them.

import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Problem } from '../problem.ts';
import { CaptureFile } from './capture-file.ts';
import { type CapturePart, readCapture } from './capture-reader.ts';
import { formatKeyLog, type KeyLog, readKeyLogs } from './key-log.ts';
import {
  decodeSecrets,
  encodeInterface,
  encodePacket,
  encodeSection,
  encodeSecrets,
  SECRETS_BLOCK,
  SECTION_BLOCK,
} from './pcapng.ts';

export interface MergeOptions {
  /** pcap or pcapng. */
  readonly capture: string;
  /** Key logs, captures with secrets in them, and folders of such captures. */
  readonly secrets: readonly string[];
  readonly output: string;
  /** Whether an output that is there is replaced. */
  readonly overwrite: boolean;
  /** Also secrets of sessions whose beginning the capture does not show. */
  readonly all: boolean;
  /** Who writes it: "relaypair 0.1.0". */
  readonly application: string;
}

export interface MergeReport {
  /** Sessions whose secrets are in the output now. */
  readonly sessions: number;
  /** Sessions whose secrets were given and left out. */
  readonly leftOut: number;
}

/**
 * Writes the output, private to its owner, whole or not at all. Throws Problem `not-a-capture`, `not-a-key-log`,
 * `file-unreadable`, `file-exists`, `file-unwritable` or `no-secrets`.
 */
export function mergeSecrets(options: MergeOptions): MergeReport {
  const { capture, output, overwrite, all } = options;
  if (!overwrite && existsSync(output)) {
    throw new Problem('file-exists', `${output} is already there; name another file or add --force to overwrite it`);
  }
  const keyLog = readSecrets(options.secrets);
  const present = all ? new Set(keyLog.keys()) : sessionsIn(capture, keyLog);
  if (present.size === 0) {
    throw new Problem(
      'no-secrets',
      keyLog.size === 0
        ? `there are no secrets in ${options.secrets.join(', ')}`
        : `none of the ${keyLog.size} sessions whose secrets were given begins in ${capture}: give --all to put them in all the same`,
    );
  }
  write(
    options,
    formatKeyLog(keyLog, (random) => present.has(random)),
  );
  return { sessions: present.size, leftOut: keyLog.size - present.size };
}

function write({ capture, output, application }: MergeOptions, keyLog: Buffer): void {
  const temporary = join(dirname(output), `.${basename(output)}.${process.pid}.tmp`);
  const file = openOutput(temporary, output);
  try {
    for (const part of readCapture(capture)) {
      for (const block of convert(part, keyLog, application)) file.append(block);
    }
    file.close();
    renameSync(temporary, output);
  } catch (error) {
    file.close();
    rmSync(temporary, { force: true });
    throw error;
  }
}

function openOutput(temporary: string, output: string): CaptureFile {
  try {
    return CaptureFile.open(temporary);
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    throw new Problem('file-unwritable', `${output} cannot be written (${code})`, { cause: error });
  }
}

function convert(part: CapturePart, keyLog: Buffer, application: string): Buffer[] {
  switch (part.kind) {
    case 'pcap':
      return [encodeSection({ application }), encodeSecrets(keyLog), encodeInterface(part)];
    case 'packet':
      return [encodePacket(part)];
    default:
      if (part.type !== SECTION_BLOCK) return [part.octets];
      return [withoutLength(part.octets), encodeSecrets(keyLog, part.order)];
  }
}

/** A section may say how long it is, which it no longer knows. */
function withoutLength(section: Buffer): Buffer {
  const changed = Buffer.from(section);
  changed.fill(0xff, 16, 24);
  return changed;
}

function readSecrets(paths: readonly string[]): KeyLog {
  const files = paths.flatMap((path) => expand(path));
  const texts = files.map((file) => ({ file, texts: readSecretsFile(file) }));
  for (const each of texts) {
    if (readKeyLogs(each.texts)) continue;
    throw new Problem('not-a-key-log', `${each.file} is no key log and no pcapng file with secrets in it`);
  }
  return readKeyLogs(texts.flatMap((each) => each.texts)) ?? new Map();
}

function expand(path: string): string[] {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  const names = readdirSync(path).filter((name) => name.endsWith('.pcapng'));
  return names.toSorted().map((name) => join(path, name));
}

function readSecretsFile(path: string): string[] {
  const octets = readWhole(path);
  if (octets.length < 4 || octets.readUInt32LE(0) !== SECTION_BLOCK) return [octets.toString('latin1')];
  const texts: string[] = [];
  for (const part of readCapture(path)) {
    if (part.kind !== 'block' || part.type !== SECRETS_BLOCK) continue;
    const keyLog = decodeSecrets(part.octets.subarray(8, -4), part.order);
    if (keyLog) texts.push(keyLog.toString('latin1'));
  }
  return texts;
}

function readWhole(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    throw new Problem('file-unreadable', `${path} cannot be read (${code})`, { cause: error });
  }
}

const RANDOM_OCTETS = 32;
/** Before the random of a ClientHello: its version, which is TLS 1.2's for ever (RFC 8446 §4.1.2). */
const CLIENT_VERSION = Buffer.from([0x03, 0x03]);

/** The sessions of `keyLog` whose ClientHello stands in the capture. */
function sessionsIn(capture: string, keyLog: KeyLog): Set<string> {
  const found = new Set<string>();
  for (const { octets } of packetsOf(capture)) {
    for (let at = octets.indexOf(CLIENT_VERSION); at >= 0; at = octets.indexOf(CLIENT_VERSION, at + 1)) {
      const random = octets.toString('hex', at + 2, at + 2 + RANDOM_OCTETS);
      if (keyLog.has(random)) found.add(random);
    }
  }
  return found;
}

function* packetsOf(capture: string): Generator<{ octets: Buffer }> {
  for (const part of readCapture(capture)) {
    // Secrets that are there already would name their sessions; whatever else is no packet holds no random.
    if (part.kind === 'packet' || (part.kind === 'block' && part.type !== SECRETS_BLOCK)) yield part;
  }
}
