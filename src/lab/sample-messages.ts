// The messages that the demo sends: real ones from a corpus folder when it is there and fit for the wire, our own otherwise.
// Every one has a Message-ID of its own, since that is what a person follows it by.

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_FOLDER } from '../package-folder.ts';

export interface SampleMessage {
  /** Where it comes from: a file's name, or "own sample". */
  readonly origin: string;
  /** With angle brackets. */
  readonly messageId: string;
  /** As it goes over the wire: CRLF line ends, CRLF at the end, no dots stuffed. */
  readonly content: Buffer;
}

/** Beside the package's folder. */
const CORPUS_FOLDER = join(PACKAGE_FOLDER, '../shared/corpus');
const MAX_SIZE_BYTES = 100_000;
/** RFC 5321 §4.5.3.1.6, without the CRLF. */
const MAX_LINE_BYTES = 998;
const MAX_RECEIVED = 10;

/** An endless supply: each real message once, then our own. */
export function* supplyMessages(corpusFolder: string = CORPUS_FOLDER): Generator<SampleMessage, never> {
  yield* spread(readCorpus(corpusFolder));
  for (let number = 0; ; number++) yield ownMessage(number);
}

/** Neighbours in a folder are alike: every fifth first, then the ones between. */
function spread(messages: readonly SampleMessage[]): SampleMessage[] {
  const STRIDE = 5;
  return messages
    .map((message, index) => ({ message, rank: (index % STRIDE) * messages.length + index }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ message }) => message);
}

function readCorpus(folder: string): SampleMessage[] {
  const seen = new Set<string>();
  return listMessages(folder).flatMap((name) => {
    const message = fitForWire(name, readFileSync(join(folder, name)));
    if (!message || seen.has(message.messageId.toLowerCase())) return [];
    seen.add(message.messageId.toLowerCase());
    return [message];
  });
}

function listMessages(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.eml'))
      .toSorted();
  } catch {
    return [];
  }
}

/** The message with CRLF line ends, or undefined when a careful server would refuse it. */
export function fitForWire(origin: string, file: Buffer): SampleMessage | undefined {
  const unixText = file.toString('latin1').replaceAll('\r\n', '\n');
  if (file.length > MAX_SIZE_BYTES || unixText.includes('\r') || unixText.includes('\0')) return undefined;
  const lines = unixText.replace(/\n$/, '').split('\n');
  if (lines.some((line) => line.length > MAX_LINE_BYTES)) return undefined;
  if (!/^[!-9;-~]+[ \t]*:/.test(lines[0] ?? '')) return undefined;
  const text = `${lines.join('\r\n')}\r\n`;
  const header = text.slice(0, text.indexOf('\r\n\r\n') + 2);
  const messageId = /^message-id:\s*(<[!-;=?-~]{3,80}>)\s*$/im.exec(header)?.[1];
  if (messageId === undefined || (header.match(/^received:/gim)?.length ?? 0) > MAX_RECEIVED) return undefined;
  return { origin, messageId, content: Buffer.from(text, 'latin1') };
}

/** What the wire has to carry unharmed: dots at the start of lines, long lines, other scripts, spaces before the line end. */
const BODIES: readonly (readonly string[])[] = [
  ['Good morning,', '', '.a line that begins with a dot', '..and one with two', '.', '', 'Regards'],
  ['Guten Morgen, доброе утро, おはよう', '', 'Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich.'],
  ['x'.repeat(MAX_LINE_BYTES), 'a line with spaces at its end   ', '\ta tab in front', '', ''],
  Array.from({ length: 400 }, (_, index) => `${index + 1}. Nothing on this line may change on the way.`),
];

function ownMessage(number: number): SampleMessage {
  const messageId = `<${randomUUID()}@demo.test>`;
  const lines = [
    'From: Anna <anna@contoso.test>',
    'To: Bob <bob@fabrikam.test>',
    `Subject: Sample ${number + 1}`,
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: ${messageId}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    ...(BODIES[number % BODIES.length] ?? []),
    '',
  ];
  return { origin: 'own sample', messageId, content: Buffer.from(lines.join('\r\n')) };
}
