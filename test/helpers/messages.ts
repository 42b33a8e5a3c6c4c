// Messages as they stand on the wire, CRLF line ends and all: samples of everything that relays are known to stumble over,
// and what a message may not be. Every one is made here, so that a test has something to send wherever it runs.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SampleMessage {
  readonly name: string;
  readonly content: Buffer;
}

/** Beside the project's own folder; not part of it. */
export const CORPUS = new URL('../../../shared/corpus', import.meta.url).pathname;

const MIB = 1024 * 1024;
const HEADER = 'From: a@example.test\r\nTo: b@contoso.test\r\nSubject: sample\r\n';

function sample(name: string, content: string | Buffer): SampleMessage {
  return { name, content: typeof content === 'string' ? Buffer.from(content, 'latin1') : content };
}

function withBody(name: string, body: string | Buffer): SampleMessage {
  return sample(
    name,
    Buffer.concat([Buffer.from(`${HEADER}\r\n`), typeof body === 'string' ? Buffer.from(body, 'latin1') : body]),
  );
}

/** Octets 0x80 to 0xff and lines of text in turn, so that no two lines are alike. */
function eightBitLines(sizeBytes: number): Buffer {
  const lines: Buffer[] = [];
  let size = 0;
  for (let index = 0; size < sizeBytes; index++) {
    const octets = Buffer.from(Array.from({ length: 60 }, (_, place) => 0x80 + ((index * 7 + place * 13) % 0x80)));
    const line = Buffer.concat([Buffer.from(`${index} `), octets, Buffer.from('\r\n')]);
    lines.push(line);
    size += line.length;
  }
  return Buffer.concat(lines);
}

/** What crosses unchanged. */
export const SAMPLES: readonly SampleMessage[] = [
  withBody('a plain text', 'Good evening.\r\n'),
  withBody('lines that begin with dots', '.\r\n..\r\n...\r\n.x\r\n\r\n.\r\n. \r\nx.\r\n.\r\n'),
  withBody('a dot as the whole body', '.\r\n'),
  withBody('a dot at every border of 64 KiB', `${'x'.repeat(65_534 - HEADER.length - 2)}\r\n.\r\n..\r\n`),
  withBody('a line of 998 octets', `${'a'.repeat(998)}\r\n`),
  withBody('a line of 999 octets', `${'a'.repeat(999)}\r\n`),
  withBody('a line of 100,000 octets', `${'a'.repeat(100_000)}\r\n`),
  withBody('UTF-8', 'Grüße, 世界\r\n'),
  withBody('every octet above 127', eightBitLines(4096)),
  sample('8-bit octets in the header', 'From: a@example.test\r\nSubject: Gr\xfc\xdfe\r\n\r\nx\r\n'),
  withBody('NUL and control characters', 'a\0b\x01\x07\x1b\x7f\r\n'),
  withBody('an empty body', ''),
  sample('a header and nothing else', HEADER),
  sample('no header', 'This is not a header\r\nnor is this\r\n'),
  sample('an empty line first', '\r\nbody only\r\n'),
  sample('nothing at all', ''),
  withBody('no final CRLF', 'the last line just ends'),
  withBody('blanks at line ends', 'a \r\nb\t\r\n \r\n'),
  withBody('empty lines at the end', 'x\r\n\r\n\r\n\r\n'),
  withBody('text like SMTP', 'QUIT\r\nMAIL FROM:<x@y>\r\nDATA\r\nFrom here on\r\n'),
  sample(
    'folded and repeated fields',
    `Received: by x;\r\n\tMon, 1 Jan 2024\r\n${HEADER}X-A:\r\n  \r\n x\r\nX-A: y\r\n\r\nz\r\n`,
  ),
  withBody('a body of 1 MiB', eightBitLines(MIB)),
];

/** What is refused: the octets of the message as they would stand between DATA's 354 and the final CRLF.CRLF. */
export const REFUSED: readonly SampleMessage[] = [
  withBody('a bare LF in the body', 'a\nb\r\n'),
  withBody('a bare CR in the body', 'a\rb\r\n'),
  withBody('CR CR LF', 'a\r\r\n'),
  withBody('LF CR', 'a\n\r\n'),
  withBody('a bare LF after 100,000 octets', `${'a'.repeat(100_000)}\nb\r\n`),
  withBody('LF dot CR LF', 'a\n.\r\nb\r\n'),
  withBody('LF dot LF', 'a\n.\nb\r\n'),
  withBody('CR dot CR', 'a\r.\rb\r\n'),
  sample('a bare LF in the header', 'From: a@example.test\nTo: b@contoso.test\r\n\r\nx\r\n'),
  sample('a bare CR in the header', 'From: a@example.test\rTo: b@contoso.test\r\n\r\nx\r\n'),
  sample('bare LF throughout', 'From: a@example.test\n\nx\n'),
];

/** The messages of the corpus as they are sent: LF files get CRLF. Empty where the corpus is not there. */
export function readCorpus(): SampleMessage[] {
  if (!existsSync(CORPUS)) return [];
  return readdirSync(CORPUS)
    .filter((name) => name.endsWith('.eml'))
    .toSorted()
    .map((name) => ({ name, content: withCrlf(readFileSync(join(CORPUS, name))) }));
}

function withCrlf(content: Buffer): Buffer {
  return content.includes('\r\n')
    ? content
    : Buffer.from(content.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
}

/** What was sent, as the wire has it: a message cannot end but by a CRLF. */
export function onTheWire(content: Buffer): Buffer {
  const isEnded = content.length === 0 || content.subarray(-2).equals(Buffer.from('\r\n'));
  return isEnded ? content : Buffer.concat([content, Buffer.from('\r\n')]);
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

/** The fields that relays put in front of `content`; undefined when what arrived does not end in `content`. */
export function prefixOf(arrived: Buffer, content: Buffer): string | undefined {
  const at = arrived.length - content.length;
  if (at < 0 || sha256(arrived.subarray(at)) !== sha256(content)) return undefined;
  return arrived.subarray(0, at).toString('latin1');
}

/** The names of the fields in a block of header fields, in order; undefined when it is no such block. */
export function fieldNames(block: string): string[] | undefined {
  if (block !== '' && !block.endsWith('\r\n')) return undefined;
  const fields = block === '' ? [] : block.slice(0, -2).split(/\r\n(?![ \t])/);
  const names = fields.map((field) => /^([!-9;-~]+):/.exec(field)?.[1]);
  return names.every((name) => name !== undefined) ? names : undefined;
}
