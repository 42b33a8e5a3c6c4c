// The first thing that touches a peer's bytes: cuts the stream into LDAP messages and scans each one before ldapts' BerReader
// sees it, which reads the length 84 ff ff ff ff as -1. Lengths are definite, inside their parent and under a limit; nesting
// and the number of elements are bounded, so that what is decoded later cannot outgrow the bytes that came (RFC 4511 §5.1).

import { Problem } from '../problem.ts';

/** Bytes that are no LDAP message: the connection they came on cannot be trusted to be in step and is closed. */
export class MalformedPdu extends Problem {
  constructor(sentence: string) {
    super('ldap-malformed', sentence);
    this.name = 'MalformedPdu';
  }
}

/** A filter may nest 100 deep; message, operation, control list, control and a filter's leaf sit around it. */
const MAX_DEPTH = 110;
/** An element costs about 200 bytes once decoded, so that 5 MiB of empty values would cost half a gigabyte. */
const MAX_ELEMENTS = 200_000;
const SEQUENCE = 0x30;
const CONSTRUCTED = 0x20;
const HIGH_TAG = 0x1f;

interface Header {
  /** Where the content begins. */
  start: number;
  /** Where the content ends. */
  end: number;
}

/**
 * Reads tag and length at `offset` of what lies before `limit`; undefined when they are not all there yet.
 * Throws MalformedPdu for indefinite lengths, lengths of more than four octets and tags of more than one.
 */
function readHeader(buffer: Buffer, offset: number, limit: number): Header | undefined {
  if (offset + 2 > limit) return undefined;
  if (((buffer[offset] ?? 0) & HIGH_TAG) === HIGH_TAG) throw new MalformedPdu('a BER tag of more than one octet came');
  const first = buffer[offset + 1] ?? 0;
  if (first < 0x80) return { start: offset + 2, end: offset + 2 + first };
  const octets = first & 0x7f;
  if (octets === 0 || octets > 4) throw new MalformedPdu('a BER length is indefinite or has more than four octets');
  const start = offset + 2 + octets;
  if (start > limit) return undefined;
  return { start, end: start + buffer.readUIntBE(offset + 2, octets) };
}

/** Walks every constructed element of one whole encoding; throws MalformedPdu when one is not sound. Costs no recursion. */
export function scanBer(pdu: Buffer): void {
  const ends: number[] = [];
  let end = pdu.length;
  let elements = 0;
  for (let offset = 0; offset < pdu.length; ) {
    const header = readHeader(pdu, offset, end);
    if (!header || header.end > end) throw new MalformedPdu('a BER element is longer than the one around it');
    if (++elements > MAX_ELEMENTS) throw new MalformedPdu(`a message has more than ${MAX_ELEMENTS} BER elements`);
    if (((pdu[offset] ?? 0) & CONSTRUCTED) !== 0) {
      if (ends.length >= MAX_DEPTH) throw new MalformedPdu(`a message nests more than ${MAX_DEPTH} deep`);
      ends.push(end);
      end = header.end;
      offset = header.start;
    } else {
      offset = header.end;
    }
    while (offset === end && ends.length > 0) end = ends.pop() ?? 0;
  }
}

/** Cuts a stream into whole, scanned messages. Holds at most twice the bytes that came and never more than one message. */
export class PduCutter {
  /** The longest message taken, header included; raised once the peer is known. */
  limitBytes: number;
  #buffer = Buffer.alloc(0);
  #length = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /**
   * Takes a chunk and gives the messages that are whole by now, each in memory of its own. Lazy: the next one is looked at
   * only when it is asked for, so that a limit raised in between holds for it. Run it to its end before the next chunk.
   * Throws MalformedPdu.
   */
  *push(chunk: Buffer): Generator<Buffer, void, undefined> {
    this.#append(chunk);
    let offset = 0;
    try {
      for (let end = this.#findEnd(offset); end !== undefined; end = this.#findEnd(offset)) {
        const pdu = Buffer.from(this.#buffer.subarray(offset, end));
        offset = end;
        scanBer(pdu);
        yield pdu;
      }
    } finally {
      this.#drop(offset);
    }
  }

  /** Bytes of a message that is not whole yet. */
  get pendingBytes(): number {
    return this.#length;
  }

  /** Where the message at `offset` ends; undefined while it is not whole. */
  #findEnd(offset: number): number | undefined {
    if (offset === this.#length) return undefined;
    if (this.#buffer[offset] !== SEQUENCE) throw new MalformedPdu('what came is no LDAP message');
    const header = readHeader(this.#buffer, offset, this.#length);
    if (!header) return undefined;
    if (header.end - offset > this.limitBytes) {
      throw new MalformedPdu(`a message of ${header.end - offset} bytes came; ${this.limitBytes} are allowed`);
    }
    return header.end <= this.#length ? header.end : undefined;
  }

  /** Doubles instead of joining chunk to chunk: a message that comes byte by byte must not cost its length squared. */
  #append(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(this.#buffer.length * 2, this.limitBytes)));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    chunk.copy(this.#buffer, this.#length);
    this.#length = needed;
  }

  #drop(count: number): void {
    if (count > 0) this.#buffer.copyWithin(0, count, this.#length);
    this.#length -= count;
    // A quiet connection keeps no room for the largest message it ever had.
    if (this.#length === 0) this.#buffer = Buffer.alloc(0);
  }
}
