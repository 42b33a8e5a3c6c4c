// The blocks of a pcapng file (draft-ietf-opsawg-pcapng): section, interface, packets with comments, and the secrets that
// decrypt TLS in them (its Decryption Secrets Block). Pure: values in, octets out. No package for Node writes comments or secrets.

/** The order of octets of a section; a block that is put into a foreign one follows it. */
export type ByteOrder = 'LE' | 'BE';

export const SECTION_BLOCK = 0x0a0d0d0a;
export const SECRETS_BLOCK = 10;
const INTERFACE_BLOCK = 1;
export const PACKET_BLOCK = 6;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** "TLSK": a key log as NSS defined it. */
const TLS_KEY_LOG = 0x544c534b;

/** Packets begin with their IP header. */
export const LINK_TYPE_RAW_IP = 101;

const OPTION_END = 0;
const OPTION_COMMENT = 1;
const OPTION_INTERFACE_NAME = 2;
const OPTION_PACKET_FLAGS = 2;
const OPTION_APPLICATION = 4;
const OPTION_RESOLUTION = 9;

/** What an option's length field can say. */
const MAX_COMMENT_OCTETS = 65_535;

const DIRECTIONS = { inbound: 1, outbound: 2 } as const;

interface Option {
  readonly code: number;
  readonly value: Buffer;
}

/** The beginning of a file, or of another section in it. */
export function encodeSection({ application, comment }: { application: string; comment?: string }): Buffer {
  const body = Buffer.alloc(16, 0xff);
  body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  body.writeUInt16LE(1, 4);
  body.writeUInt16LE(0, 6);
  return encodeBlock(SECTION_BLOCK, [
    body,
    encodeOptions([...commentOptions(comment), { code: OPTION_APPLICATION, value: Buffer.from(application) }]),
  ]);
}

export interface CapturedInterface {
  readonly linkType: number;
  /** Longest packet that is kept whole; 0: no limit. */
  readonly snapLength?: number;
  readonly name?: string;
  /** Digits of a second's fraction that time stamps have; 6 when absent. */
  readonly timeDigits?: number;
}

/** Where packets come from; the first of a section is number 0. */
export function encodeInterface({ linkType, snapLength = 0, name, timeDigits }: CapturedInterface): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(linkType, 0);
  body.writeUInt32LE(snapLength, 4);
  const options: Option[] = [];
  if (name !== undefined) options.push({ code: OPTION_INTERFACE_NAME, value: Buffer.from(name) });
  if (timeDigits !== undefined) options.push({ code: OPTION_RESOLUTION, value: Buffer.from([timeDigits]) });
  return encodeBlock(INTERFACE_BLOCK, [body, encodeOptions(options)]);
}

export interface CapturedPacket {
  /** Since 1970, in the unit of the interface: microseconds unless it says otherwise. */
  readonly time: bigint;
  readonly octets: Buffer;
  /** Where the packet was cut: its length on the wire. */
  readonly originalLength?: number;
  readonly direction?: keyof typeof DIRECTIONS;
  /** At most 65,535 octets each; what is longer is cut. */
  readonly comments?: readonly string[];
}

/** A packet of interface 0. */
export function encodePacket({ time, octets, originalLength, direction, comments = [] }: CapturedPacket): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt32LE(Number((time >> 32n) & 0xffffffffn), 4);
  head.writeUInt32LE(Number(time & 0xffffffffn), 8);
  head.writeUInt32LE(octets.length, 12);
  head.writeUInt32LE(originalLength ?? octets.length, 16);
  const flags = Buffer.alloc(4);
  if (direction) flags.writeUInt32LE(DIRECTIONS[direction]);
  const options = encodeOptions([
    ...comments.flatMap((comment) => commentOptions(comment)),
    ...(direction ? [{ code: OPTION_PACKET_FLAGS, value: flags }] : []),
  ]);
  return encodeBlock(PACKET_BLOCK, [head, padded(octets), options]);
}

/** Secrets for the packets behind it; a key log of any number of lines. */
export function encodeSecrets(keyLog: Buffer, order: ByteOrder = 'LE'): Buffer {
  const head = Buffer.alloc(8);
  head[`writeUInt32${order}`](TLS_KEY_LOG, 0);
  head[`writeUInt32${order}`](keyLog.length, 4);
  return encodeBlock(SECRETS_BLOCK, [head, padded(keyLog)], order);
}

/** The key log in the body of a secrets block; undefined where the secrets are of another kind. */
export function decodeSecrets(body: Buffer, order: ByteOrder): Buffer | undefined {
  if (body.length < 8 || body[`readUInt32${order}`](0) !== TLS_KEY_LOG) return undefined;
  return body.subarray(8, 8 + body[`readUInt32${order}`](4));
}

function encodeBlock(type: number, parts: readonly Buffer[], order: ByteOrder = 'LE'): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 12);
  const head = Buffer.alloc(8);
  head[`writeUInt32${order}`](type, 0);
  head[`writeUInt32${order}`](length, 4);
  return Buffer.concat([head, ...parts, head.subarray(4)], length);
}

function encodeOptions(options: readonly Option[]): Buffer {
  if (options.length === 0) return Buffer.alloc(0);
  const end: Option = { code: OPTION_END, value: Buffer.alloc(0) };
  return Buffer.concat([...options, end].flatMap(({ code, value }) => [optionHead(code, value), padded(value)]));
}

function optionHead(code: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(code, 0);
  head.writeUInt16LE(value.length, 2);
  return head;
}

function commentOptions(comment: string | undefined): Option[] {
  if (comment === undefined) return [];
  const octets = Buffer.from(comment);
  if (octets.length <= MAX_COMMENT_OCTETS) return [{ code: OPTION_COMMENT, value: octets }];
  // Not in the middle of a character.
  let end = MAX_COMMENT_OCTETS;
  while (((octets[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return [{ code: OPTION_COMMENT, value: octets.subarray(0, end) }];
}

/** Everything ends on a boundary of four octets. */
function padded(octets: Buffer): Buffer {
  const rest = octets.length % 4;
  return rest === 0 ? octets : Buffer.concat([octets, Buffer.alloc(4 - rest)]);
}
