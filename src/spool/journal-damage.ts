// A journal (SQLite's WAL) with a damaged place in it. SQLite reads it up to there and takes what follows for the remains of a
// transaction that never ended: rightly after a power cut, but a flipped bit would take acknowledged mail with it and nobody would
// hear of it. So it is looked at before SQLite has it, kept when anything that once ended stands behind the place that cannot be
// read, and as long as it lies there no body is removed for belonging to nobody. Format: sqlite.org/fileformat2.html, section 4.

import { readdirSync, readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { join } from 'node:path';
import { ensurePrivateFolder, writeFileDurably } from '../storage/files.ts';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** The last bit says in which order the octets of a checksum's words are. */
const MAGIC = 0x37_7f_06_82;
const KEPT = /^spool\.db-wal-[0-9a-f]{16}$/;
/** SQLite's own size of a page, and the order in which this machine has its octets. */
const OUR_HEADER = { pageBytes: 4096, isLittleEndian: endianness() === 'LE' };
/** A bit that flipped in the checksum of a frame makes that of the next one wrong as well. */
const MAX_BAD_IN_A_ROW = 2;

type Checksum = readonly [number, number];

export interface DamagedJournal {
  /** All of it. */
  readonly octets: Buffer;
  /** Names this run of the journal, by its first frame: the same each time it is read. */
  readonly salt: string;
  /** Transactions that ended and cannot be read. */
  readonly transactions: number;
}

/** Reads the journal beside a database that no one has open; undefined when there is none, or all of it can be read. */
export function readDamagedJournal(databasePath: string): DamagedJournal | undefined {
  const octets = readIfThere(`${databasePath}-wal`);
  const transactions = octets ? countUnreadable(octets) : 0;
  return octets && transactions > 0
    ? { octets, transactions, salt: octets.toString('hex', HEADER_BYTES + 8, HEADER_BYTES + 16) }
    : undefined;
}

/**
 * Transactions whose end stands behind the first frame, or the header, with a wrong checksum. That frame itself does not count: when it
 * is the last one, a process that was killed while it wrote leaves the same.
 */
export function countUnreadable(octets: Buffer): number {
  if (octets.length < HEADER_BYTES + FRAME_HEADER_BYTES) return 0;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const { isGood: isHeaderGood, pageBytes, isLittleEndian } = readHeader(view);
  const add = (from: Checksum, begin: number, end: number): Checksum =>
    addUp(view, from, { begin, end, isLittleEndian });
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  // Of a header that cannot be read nothing is taken: what belongs together the frames say themselves.
  const saltAt = isHeaderGood ? 16 : HEADER_BYTES + 8;
  const [salt, moreSalt] = [view.getUint32(saltAt), view.getUint32(saltAt + 4)];
  let previous: Checksum = [view.getUint32(24), view.getUint32(28)];
  let isReadable = isHeaderGood;
  let badInARow = 0;
  let transactions = 0;
  for (let at = HEADER_BYTES; at + frameBytes <= octets.length && badInARow <= MAX_BAD_IN_A_ROW; at += frameBytes) {
    const stored: Checksum = [view.getUint32(at + 16), view.getUint32(at + 20)];
    const found = add(add(previous, at, at + 8), at + FRAME_HEADER_BYTES, at + frameBytes);
    // With other salts it is what an earlier run of the journal left behind, unless the next ones are of this one.
    const isOfThisRun = view.getUint32(at + 8) === salt && view.getUint32(at + 12) === moreSalt;
    const isGood = isOfThisRun && isSame(found, stored);
    badInARow = isGood ? 0 : badInARow + 1;
    isReadable &&= isGood;
    // A frame that ends a transaction says how large the database is then.
    if (!isReadable && isGood && view.getUint32(at + 4) > 0) transactions += 1;
    previous = stored;
  }
  return transactions;
}

/** What it says, or how the spool has it when its checksum is wrong. */
function readHeader(view: DataView): { isGood: boolean; pageBytes: number; isLittleEndian: boolean } {
  const isLittleEndian = (view.getUint32(0) & 1) === 0;
  const stored: Checksum = [view.getUint32(24), view.getUint32(28)];
  const isGood = isSame(addUp(view, [0, 0], { begin: 0, end: 24, isLittleEndian }), stored);
  if (!isGood || (view.getUint32(0) & ~1) >>> 0 !== MAGIC) return { isGood: false, ...OUR_HEADER };
  return { isGood, pageBytes: view.getUint32(8), isLittleEndian };
}

/** Puts it where damaged things are, once. */
export function keepDamagedJournal(folder: string, { octets, salt }: DamagedJournal): void {
  const path = join(folder, 'damaged');
  ensurePrivateFolder(path);
  const name = `spool.db-wal-${salt}`;
  if (!keptJournals(folder).includes(name)) writeFileDurably(join(path, name), octets);
}

/** Names of those that lie there. */
export function keptJournals(folder: string): string[] {
  try {
    return readdirSync(join(folder, 'damaged')).filter((name) => KEPT.test(name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

interface Stretch {
  readonly begin: number;
  readonly end: number;
  readonly isLittleEndian: boolean;
}

function addUp(view: DataView, [first, second]: Checksum, { begin, end, isLittleEndian }: Stretch): Checksum {
  let [a, b] = [first, second];
  for (let at = begin; at < end; at += 8) {
    a = (a + view.getUint32(at, isLittleEndian) + b) >>> 0;
    b = (b + view.getUint32(at + 4, isLittleEndian) + a) >>> 0;
  }
  return [a, b];
}

function isSame(one: Checksum, other: Checksum): boolean {
  return one[0] === other[0] && one[1] === other[1];
}
