// The lines of one log file, forwards or backwards, a piece at a time. Only what ends in a line feed is a line: the torn
// rest of a crash, or a line that is just being written, is not handed out. Lines starting with # are the file's header.

import { fstatSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

const PIECE_BYTES = 64 * 1024;
/** No line is longer: what a reader has to hold at most, besides one piece. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;

const LINE_FEED = 0x0a;
const HASH = 0x23;

/** Lines from the first to the last that was there at the start of reading. A file that is gone has none. */
export async function* readLinesForward(path: string): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  // The rest of a line that was given up for its length is skipped as well.
  let isOverlong = false;
  for await (const piece of readPieces(path, 'forward')) {
    const text = Buffer.concat([rest, piece]);
    const end = text.lastIndexOf(LINE_FEED);
    for (const line of splitLines(text.subarray(0, end + 1))) {
      if (!isOverlong && isContent(line)) yield line.toString();
      isOverlong = false;
    }
    rest = text.subarray(end + 1);
    if (rest.length <= MAX_LINE_BYTES) continue;
    rest = Buffer.alloc(0);
    isOverlong = true;
  }
}

/** Lines from the last to the first. A file that is gone has none. */
export async function* readLinesBackward(path: string): AsyncGenerator<string> {
  // The end of a line whose beginning is in an earlier piece. Before the first line feed is met there is only a torn end.
  let tail: Buffer = Buffer.alloc(0);
  let isOverlong = false;
  for await (const piece of readPieces(path, 'backward')) {
    const text = Buffer.concat([piece, tail]);
    const begin = text.indexOf(LINE_FEED) + 1;
    const lines = splitLines(text.subarray(begin, text.lastIndexOf(LINE_FEED) + 1)).toReversed();
    if (isOverlong && lines.length > 0) {
      lines.shift();
      isOverlong = false;
    }
    for (const line of lines) {
      if (isContent(line)) yield line.toString();
    }
    tail = text.subarray(0, begin);
    if (tail.length <= MAX_LINE_BYTES) continue;
    tail = tail.subarray(-1);
    isOverlong = true;
  }
  const first = tail.subarray(0, -1);
  if (!isOverlong && isContent(first)) yield first.toString();
}

/** Where the last whole line ends, in bytes from the start of the open file; 0 when there is none but header lines. */
export function findEndOfContent(descriptor: number): number {
  const piece = Buffer.alloc(PIECE_BYTES);
  for (let end = fstatSync(descriptor).size; end > 0; end = Math.max(0, end - PIECE_BYTES)) {
    const begin = Math.max(0, end - PIECE_BYTES);
    const text = piece.subarray(0, readSync(descriptor, piece, 0, end - begin, begin));
    const found = text.lastIndexOf(LINE_FEED) + 1;
    if (found === 0) continue;
    return begin > 0 || splitLines(text.subarray(0, found)).some(isContent) ? begin + found : 0;
  }
  return 0;
}

function splitLines(text: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = text.indexOf(LINE_FEED); end !== -1; end = text.indexOf(LINE_FEED, start)) {
    lines.push(text.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

function isContent(line: Buffer): boolean {
  return line.length > 0 && line.length <= MAX_LINE_BYTES && line[0] !== HASH;
}

async function* readPieces(path: string, direction: 'forward' | 'backward'): AsyncGenerator<Buffer> {
  const file = await openIfThere(path);
  if (!file) return;
  try {
    const { size } = await file.stat();
    for (let done = 0; done < size; done += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, size - done);
      const position = direction === 'forward' ? done : size - done - length;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    // Removed for its age since the folder was listed.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
