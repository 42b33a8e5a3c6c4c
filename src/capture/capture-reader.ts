// Captures that others made, pcap or pcapng, read piece by piece, however long the file is. What stands behind the last whole
// piece of a file that was cut short is left out.

import { closeSync, openSync, readSync } from 'node:fs';
import { Problem } from '../problem.ts';
import { BYTE_ORDER_MAGIC, type ByteOrder, SECTION_BLOCK } from './pcapng.ts';

/** A block of a pcapng file, whole. */
export interface RawBlock {
  readonly kind: 'block';
  readonly type: number;
  /** Of the section that it stands in. */
  readonly order: ByteOrder;
  readonly octets: Buffer;
}

/** The head of a pcap file. */
export interface PcapHead {
  readonly kind: 'pcap';
  readonly linkType: number;
  readonly snapLength: number;
  /** Digits of a second's fraction: 6 or 9. */
  readonly timeDigits: 6 | 9;
}

/** A packet of a pcap file. */
export interface PcapPacket {
  readonly kind: 'packet';
  /** Since 1970, in the head's unit. */
  readonly time: bigint;
  readonly octets: Buffer;
  readonly originalLength: number;
}

export type CapturePart = RawBlock | PcapHead | PcapPacket;

const PCAP_MICROSECONDS = 0xa1b2c3d4;
const PCAP_NANOSECONDS = 0xa1b23c4d;
/** Nothing in a capture is longer; a greater length is no length. */
const MAX_PART_OCTETS = 64 * 2 ** 20;

/** Every part of the file in order. Throws Problem `not-a-capture` or `file-unreadable`. */
export function* readCapture(path: string): Generator<CapturePart> {
  const file = new ExactReader(path);
  try {
    const magic = file.peek(4);
    if (magic?.readUInt32LE(0) === SECTION_BLOCK) yield* readBlocks(file);
    else yield* readPcap(file);
  } finally {
    file.close();
  }
}

function* readBlocks(file: ExactReader): Generator<CapturePart> {
  let order: ByteOrder = 'LE';
  for (;;) {
    const head = file.peek(12);
    if (!head) return;
    const isSection = head.readUInt32LE(0) === SECTION_BLOCK;
    if (isSection) order = orderOf(head) ?? file.refuse();
    const length = head[`readUInt32${order}`](4);
    if (length < 12 || length % 4 !== 0 || length > MAX_PART_OCTETS) file.refuse();
    const octets = file.take(length);
    if (!octets) return;
    yield { kind: 'block', type: head[`readUInt32${order}`](0), order, octets };
  }
}

/** By the magic of a section's head. */
function orderOf(head: Buffer): ByteOrder | undefined {
  return (['LE', 'BE'] as const).find((order) => head[`readUInt32${order}`](8) === BYTE_ORDER_MAGIC);
}

function* readPcap(file: ExactReader): Generator<CapturePart> {
  const head = file.take(24) ?? file.refuse();
  const order =
    (['LE', 'BE'] as const).find((each) => timeDigitsOf(head[`readUInt32${each}`](0)) !== undefined) ?? file.refuse();
  const read = (octets: Buffer, offset: number): number => octets[`readUInt32${order}`](offset);
  const timeDigits = timeDigitsOf(read(head, 0)) ?? 6;
  // The upper half tells of check sums behind the packets.
  yield { kind: 'pcap', snapLength: read(head, 16), linkType: read(head, 20) & 0xffff, timeDigits };
  const unitsPerSecond = 10n ** BigInt(timeDigits);
  for (;;) {
    const start = file.take(16);
    const length = start && read(start, 8);
    if (start === undefined || length === undefined) return;
    if (length > MAX_PART_OCTETS) file.refuse();
    const octets = file.take(length);
    if (!octets) return;
    const time = BigInt(read(start, 0)) * unitsPerSecond + BigInt(read(start, 4));
    yield { kind: 'packet', time, octets, originalLength: read(start, 12) };
  }
}

function timeDigitsOf(magic: number): 6 | 9 | undefined {
  if (magic === PCAP_MICROSECONDS) return 6;
  return magic === PCAP_NANOSECONDS ? 9 : undefined;
}

const READ_OCTETS = 2 ** 20;

/** Gives so many octets or, where the file ends before, none. */
class ExactReader {
  readonly #path: string;
  readonly #descriptor: number;
  #ahead: Buffer = Buffer.alloc(0);

  constructor(path: string) {
    this.#path = path;
    this.#descriptor = this.#guard(() => openSync(path, 'r'));
  }

  peek(length: number): Buffer | undefined {
    while (this.#ahead.length < length) {
      const piece = Buffer.allocUnsafe(Math.max(READ_OCTETS, length - this.#ahead.length));
      const count = this.#guard(() => readSync(this.#descriptor, piece));
      if (count === 0) return undefined;
      this.#ahead = Buffer.concat([this.#ahead, piece.subarray(0, count)]);
    }
    return this.#ahead.subarray(0, length);
  }

  take(length: number): Buffer | undefined {
    const octets = this.peek(length);
    if (octets) this.#ahead = this.#ahead.subarray(length);
    return octets;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  refuse(): never {
    throw new Problem('not-a-capture', `${this.#path} is no pcap and no pcapng file, or is damaged`);
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const { code = 'error' } = error as NodeJS.ErrnoException;
      throw new Problem('file-unreadable', `${this.#path} cannot be read (${code})`, { cause: error });
    }
  }
}
