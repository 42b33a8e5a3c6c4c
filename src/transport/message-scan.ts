// Reads the header block of a message while its octets stream past, without changing or keeping the body: Message-ID and
// Subject for the records, the number of Received fields for loop detection (RFC 5321 §6.3), and whether there are 8-bit
// octets. Of a header longer than the limit only the first part is looked at.

import { isAscii } from 'node:buffer';

const HEADER_LIMIT_BYTES = 256 * 1024;
const CRLF = 0x0d0a;

export interface MessageFacts {
  readonly messageId: string | undefined;
  readonly subject: string;
  readonly receivedCount: number;
  readonly hasEightBit: boolean;
}

/** Feed it every chunk; ask for the facts at the end. */
export class MessageScan {
  #header: Buffer[] = [];
  #headerBytes = 0;
  #isHeaderOver = false;
  #tail = 0;
  #hasEightBit = false;

  push(chunk: Buffer): void {
    this.#hasEightBit ||= !isAscii(chunk);
    if (this.#isHeaderOver) return;
    this.#header.push(chunk.subarray(0, HEADER_LIMIT_BYTES - this.#headerBytes));
    this.#headerBytes += chunk.length;
    this.#isHeaderOver = this.#headerBytes >= HEADER_LIMIT_BYTES || this.#sawBlankLine(chunk);
  }

  facts(): MessageFacts {
    const text = Buffer.concat(this.#header).toString('latin1');
    const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n');
    const fields = unfold(end < 0 ? text : text.slice(0, end));
    return {
      messageId: fieldBody(fields, 'message-id')?.match(/<[^<>\s]{1,998}>/)?.[0],
      subject: decodeUtf8(fieldBody(fields, 'subject') ?? ''),
      receivedCount: fields.filter((field) => /^received[ \t]*:/i.test(field)).length,
      hasEightBit: this.#hasEightBit,
    };
  }

  /** The blank line may be cut anywhere by chunk boundaries, so the last octets are remembered as a number. */
  #sawBlankLine(chunk: Buffer): boolean {
    const probe =
      this.#headerBytes === chunk.length
        ? Buffer.concat([Buffer.from('\r\n'), chunk])
        : Buffer.concat([tailBytes(this.#tail), chunk]);
    this.#tail = probe.length >= 3 ? probe.readUIntBE(probe.length - 3, 3) : CRLF;
    return probe.includes('\r\n\r\n');
  }
}

function tailBytes(tail: number): Buffer {
  const bytes = Buffer.alloc(3);
  bytes.writeUIntBE(tail, 0, 3);
  return bytes;
}

function unfold(header: string): string[] {
  return header.replace(/\r\n(?=[ \t])/g, '').split('\r\n');
}

function fieldBody(fields: readonly string[], name: string): string | undefined {
  const field = fields.find((candidate) => candidate.slice(0, name.length + 1).toLowerCase() === `${name}:`);
  return field?.slice(name.length + 1).trim();
}

function decodeUtf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
