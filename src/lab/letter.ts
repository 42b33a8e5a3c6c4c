// A letter for a laboratory: what a test or a scenario leaves out is filled in, so that it can be sent in one word.

import { randomUUID } from 'node:crypto';
import { Problem } from '../problem.ts';
import type { Reply } from '../smtp/reply.ts';
import type { Letter } from './hand-in.ts';
import type { LabServer } from './lab-server.ts';
import type { Direction } from './traced-message.ts';

/** The organisation's domain, and one of the world's. */
export const INSIDE = 'contoso.test';
export const OUTSIDE = 'fabrikam.test';

export interface LetterOptions {
  /** From inside to the world when absent. */
  readonly direction?: Direction;
  /** The Hub that it is handed in at, where there are several; for letters from inside. */
  readonly through?: LabServer;
  readonly from?: string;
  readonly to?: string | readonly string[];
  readonly subject?: string;
  /** The body, with line ends of any kind. */
  readonly text?: string;
  /** The whole message in place of subject and text: CRLF line ends, and a Message-ID field. */
  readonly content?: Buffer;
}

/** A letter that was handed in. */
export interface Sent {
  /** Its Message-ID, with angle brackets. */
  readonly id: string;
  readonly direction: Direction;
  /** The server that it was handed in at. */
  readonly entrance: LabServer;
  readonly letter: Letter;
  readonly reply: Reply;
  /** False: the server refused it, and `reply` says why. */
  readonly isAccepted: boolean;
}

const PEOPLE: Readonly<Record<Direction, { readonly from: string; readonly to: string }>> = {
  out: { from: `anna@${INSIDE}`, to: `bob@${OUTSIDE}` },
  in: { from: `bob@${OUTSIDE}`, to: `anna@${INSIDE}` },
};

const TEXT = 'Nothing on this line may change on the way.';

interface Words {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string | undefined;
  readonly text: string | undefined;
}

/** Writes it. Throws Problem `message-id-missing` when `content` has no Message-ID to follow it by. */
export function writeLetter(
  { direction = 'out', from, to, content, subject, text }: LetterOptions,
  now: Date,
): { direction: Direction; letter: Letter; id: string } {
  const people = PEOPLE[direction];
  const envelope = { from: from ?? people.from, to: [to ?? people.to].flat() };
  const whole = content ?? compose({ ...envelope, subject, text }, now);
  const id = /^message-id:\s*(<[^>\r\n]+>)/im.exec(headerOf(whole))?.[1];
  if (id === undefined) {
    throw new Problem('message-id-missing', 'the content has no Message-ID field, and a message is followed by that');
  }
  return { direction, letter: { ...envelope, content: whole }, id };
}

function compose({ from, to, subject, text }: Words, now: Date): Buffer {
  const lines = [
    `From: <${from}>`,
    `To: ${to.map((address) => `<${address}>`).join(', ')}`,
    `Subject: ${subject ?? 'A letter'}`,
    `Date: ${now.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${randomUUID()}@lab.test>`,
    '',
    ...(text ?? TEXT).replace(/\r?\n$/, '').split(/\r?\n/),
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}

function headerOf(content: Buffer): string {
  const text = content.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  return end < 0 ? text : text.slice(0, end);
}
