// Reads the header block of a message while its octets stream past, without changing or keeping the body: Message-ID and
// Subject for the records, the Received fields for loop detection (RFC 5321 §6.3), and whether there are 8-bit octets. Of a header longer than the limit only the first part is looked at.

import { isAscii } from 'node:buffer';

const HEADER_LIMIT_BYTES = 256 * 1024;
/** The records and every copy of the envelope carry the subject. */
const MAX_SUBJECT_CHARACTERS = 1000;
const MESSAGE_ID = /^message-id[ \t]*:/i;
const SUBJECT = /^subject[ \t]*:/i;
const TLS_REQUIRED = /^tls-required[ \t]*:/i;
const CRLF = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');

export interface MessageFacts {
  readonly messageId: string | undefined;
  readonly subject: string;
  readonly receivedCount: number;
  /** Those of them that this server wrote. */
  readonly ownReceivedCount: number;
  readonly hasEightBit: boolean;
  /** What stands in the From and Sender fields (RFC 5322 §3.6.2); undefined for a header that is too long to be looked at whole. */
  readonly authorFields: readonly string[] | undefined;
  /** TLS-Required: No (RFC 8689 §3). */
  readonly isTlsOptional: boolean;
}

/** Feed it every chunk; ask for the facts at the end. */
export class MessageScan {
  #header: Buffer[] = [];
  #headerBytes = 0;
  #isHeaderOver = false;
  /** The end of what was seen: a blank line may be cut anywhere. As if a line had ended before the message. */
  #tail: Buffer = CRLF;
  #hasEightBit = false;

  push(chunk: Buffer): void {
    this.#hasEightBit ||= !isAscii(chunk);
    if (this.#isHeaderOver) return;
    const probe = Buffer.concat([this.#tail, chunk]);
    const end = probe.indexOf(BLANK_LINE);
    this.#isHeaderOver = end !== -1;
    const headerPart = chunk.subarray(0, end === -1 ? undefined : end + BLANK_LINE.length - this.#tail.length);
    const roomBytes = Math.max(0, HEADER_LIMIT_BYTES - this.#headerBytes);
    // Copied: a slice of a few octets would keep the whole of the buffer it was cut from.
    if (roomBytes > 0) this.#header.push(Buffer.from(headerPart.subarray(0, roomBytes)));
    this.#headerBytes += headerPart.length;
    this.#tail = probe.subarray(-(BLANK_LINE.length - 1));
  }

  /** Octets of the header so far, with the blank line at its end. */
  get headerBytes(): number {
    return this.#headerBytes;
  }

  /** `ownName`: what this server calls itself in Received fields. */
  facts(ownName: string): MessageFacts {
    const text = Buffer.concat(this.#header).toString('latin1');
    const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n');
    const fields = unfold(end < 0 ? text : text.slice(0, end));
    const received = fields.filter((field) => /^received[ \t]*:/i.test(field));
    return {
      messageId: readMessageId(fieldBody(fields, MESSAGE_ID)),
      subject: decodeUtf8(fieldBody(fields, SUBJECT) ?? '')
        .slice(0, MAX_SUBJECT_CHARACTERS)
        .toWellFormed(),
      receivedCount: received.length,
      ownReceivedCount: received.filter((field) => isReceivedBy(field, ownName)).length,
      hasEightBit: this.#hasEightBit,
      authorFields: end < 0 && this.#headerBytes >= HEADER_LIMIT_BYTES ? undefined : readAuthorFields(fields),
      isTlsOptional: /^no$/i.test(fieldBody(fields, TLS_REQUIRED) ?? ''),
    };
  }
}

function unfold(header: string): string[] {
  return header.replaceAll(/\r\n(?=[ \t])/g, '').split('\r\n');
}

/**
 * Whether the by-clause of a Received field (RFC 5321 §4.4) names `name`, whole and in any letter case. What others write
 * about us in a comment, or as the name that a client gave, does not count.
 */
function isReceivedBy(field: string, name: string): boolean {
  // Most fields are of others, and to read one takes six times as long as a look for the name.
  if (!field.toLowerCase().includes(name.toLowerCase())) return false;
  const [, by] = /^[^:]*:\s*(?:from\s+[^\s;]+\s+)?by\s+([^\s;]+)/i.exec(withoutComments(field)) ?? [];
  return by?.toLowerCase() === name.toLowerCase();
}

/** In one pass, however deep a stranger nests them. A comment leaves a blank. */
function withoutComments(text: string): string {
  let depth = 0;
  return text.replaceAll(/\\.|[()]|[^\\()]+/gs, (piece) => {
    if (piece === '(') depth++;
    if (depth === 0) return piece;
    if (piece === ')') depth--;
    return ' ';
  });
}

function fieldBody(fields: readonly string[], beginning: RegExp): string | undefined {
  const field = fields.find((candidate) => beginning.test(candidate));
  return field?.replace(beginning, '').trim();
}

/** What stands in the angle brackets, if that is fit for a log and a reply. */
function readMessageId(body: string | undefined): string | undefined {
  const [id] = /<[!-;=?-~\x80-\xff]{1,500}>/.exec(body ?? '') ?? [];
  return id === undefined ? undefined : decodeUtf8(id);
}

/** A BINARYMIME message may hold a CR or LF alone, and some reader takes it for the end of a line. */
function readAuthorFields(fields: readonly string[]): string[] {
  return fields
    .flatMap((field) => field.split(/[\r\n]/))
    .flatMap((line) => /^(?:from|sender)[ \t]*:(.*)$/is.exec(line)?.[1] ?? [])
    .map(decodeUtf8);
}

/** RFC 6532 §3.1; what is no UTF-8 is shown as such. */
function decodeUtf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
