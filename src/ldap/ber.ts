// The one place that touches ldapts' BER. Reading is BerReader's, each constructed element in a reader of its own so that
// nothing reads past its parent. Writing is ours: BerWriter loses the last byte of a sequence over 64 KiB whose buffer is
// exactly full, and stops at 16 MiB. Contents are typed by RFC 4511 §4 in the files that use this.

import { BerReader, InvalidAsn1Error } from 'ldapts';
import { isUtf8 } from 'node:buffer';
import { MalformedPdu, scanBer } from './ber-guard.ts';

export const BOOLEAN = 0x01;
export const INTEGER = 0x02;
export const OCTET_STRING = 0x04;
export const ENUMERATED = 0x0a;
export const SEQUENCE = 0x30;
export const SET = 0x31;

/** A cursor over the elements of one content. Everything that is not as it should be is a MalformedPdu. */
export class BerCursor {
  readonly #reader: BerReader;

  /** `content`: one or more whole elements that scanBer has passed. */
  constructor(content: Buffer) {
    this.#reader = new BerReader(content);
  }

  get atEnd(): boolean {
    return this.#reader.remain <= 0;
  }

  /** The tag of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.#reader.peek() ?? undefined;
  }

  readInteger(): number {
    return this.#read(() => this.#reader.readInt());
  }

  readEnumerated(): number {
    return this.#read(() => this.#reader.readEnumeration());
  }

  readBoolean(): boolean {
    return this.#read(() => this.#reader.readBoolean());
  }

  /** The content of the next element, whatever it is; it must bear `tag`. */
  readOctets(tag: number = OCTET_STRING): Buffer {
    return this.#read(() => this.#reader.readString(tag, true));
  }

  /** An LDAPString: octets that must be UTF-8 (RFC 4511 §4.1.2). */
  readText(tag: number = OCTET_STRING): string {
    const octets = this.readOctets(tag);
    if (!isUtf8(octets)) throw new MalformedPdu('a text that is not UTF-8 came');
    return octets.toString('utf8');
  }

  /** A cursor over the content of the next element, which must bear `tag`. */
  enter(tag: number = SEQUENCE): BerCursor {
    return new BerCursor(this.readOctets(tag));
  }

  /** Reads elements to the end, each by `read`. */
  readAll<T>(read: (cursor: BerCursor) => T): T[] {
    const items: T[] = [];
    while (!this.atEnd) items.push(read(this));
    return items;
  }

  /** BerReader answers null at the end of its bytes and throws InvalidAsn1Error for a wrong tag: one fault for both. */
  #read<T>(read: () => T | null): T {
    let value: T | null;
    try {
      value = read();
    } catch (error) {
      if (error instanceof RangeError || error instanceof InvalidAsn1Error) value = null;
      else throw error;
    }
    if (value === null) throw new MalformedPdu('a BER element is missing or of the wrong type');
    return value;
  }
}

/** A cursor over BER that came inside an OCTET STRING, as control values do, where the scan of the message did not look. */
export function openBer(octets: Buffer): BerCursor {
  scanBer(octets);
  return new BerCursor(octets);
}

/** One element: `tag`, the length of `parts` together, and the parts. */
export function encode(tag: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([encodeHeader(tag, length), ...parts]);
}

function encodeHeader(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.from([tag, length]);
  const octets = length < 0x100 ? 1 : length < 0x1_0000 ? 2 : length < 0x100_0000 ? 3 : 4;
  const header = Buffer.alloc(2 + octets);
  header[0] = tag;
  header[1] = 0x80 | octets;
  header.writeUIntBE(length, 2, octets);
  return header;
}

/** A whole number of up to 32 bits in the fewest octets, as DER wants it; `tag` is ENUMERATED for enumerations. */
export function encodeInteger(value: number, tag: number = INTEGER): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeInt32BE(value);
  let skip = 0;
  while (skip < 3 && octets[skip] === (value < 0 ? 0xff : 0) && (octets[skip + 1] ?? 0) >> 7 === (value < 0 ? 1 : 0)) {
    skip += 1;
  }
  return encode(tag, octets.subarray(skip));
}

/** TRUE is 0xff and nothing else (RFC 4511 §5.1). */
export function encodeBoolean(value: boolean, tag: number = BOOLEAN): Buffer {
  return Buffer.from([tag, 1, value ? 0xff : 0]);
}

export function encodeOctets(value: Buffer | string, tag: number = OCTET_STRING): Buffer {
  return encode(tag, typeof value === 'string' ? Buffer.from(value, 'utf8') : value);
}
