// A body on its way out, checked while it passes: the last chunk is held back until size and checksum are known to be
// right, so a reader that saw the end saw what was accepted. What to do about damage is left to the spool.

import { checksumLike, hasChecksum } from './body-checksum.ts';
import type { BodyFolder } from './body-folder.ts';
import { isCorruption } from './disk-fault.ts';

/** Where a body is (in its row, or in a file) and what it must be. */
export interface BodyPlace {
  readonly sizeBytes: number;
  readonly checksum: Uint8Array;
  readonly content: Uint8Array | null;
  readonly fileName: string | null;
}

/** The body is not what was accepted. Inner to the spool, which sets the message aside. */
export class BodyDamage extends Error {}

/** The octets of a body; throws BodyDamage before the last chunk when they are not what was accepted. */
export async function* readBody(place: BodyPlace, folder: Pick<BodyFolder, 'read'>): AsyncGenerator<Buffer> {
  const { fileName, content } = place;
  try {
    if (fileName === null) yield* checkWhole(asBuffer(content ?? new Uint8Array()), place);
    else yield* checkBody(folder.read(fileName), place);
  } catch (error) {
    throw isWrongFile(error) ? new BodyDamage('its body file is missing or no file', { cause: error }) : error;
  }
}

interface Expected {
  readonly sizeBytes: number;
  readonly checksum: Uint8Array;
}

function* checkWhole(body: Buffer, { sizeBytes, checksum }: Expected): Generator<Buffer> {
  if (body.length > sizeBytes) throw new BodyDamage(`its body is longer than ${sizeBytes} octets`);
  if (body.length < sizeBytes) throw new BodyDamage(`its body has ${body.length} of ${sizeBytes} octets`);
  if (!hasChecksum(body, checksum)) throw new BodyDamage('the checksum of its body is wrong');
  if (body.length > 0) yield body;
}

async function* checkBody(chunks: AsyncIterable<Buffer>, expected: Expected): AsyncGenerator<Buffer> {
  const digest = checksumLike(expected.checksum);
  let sizeBytes = 0;
  let held: Buffer | undefined;
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    if (sizeBytes > expected.sizeBytes) throw new BodyDamage(`its body is longer than ${expected.sizeBytes} octets`);
    digest.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  if (sizeBytes < expected.sizeBytes) throw new BodyDamage(`its body has ${sizeBytes} of ${expected.sizeBytes} octets`);
  if (!digest.end().equals(expected.checksum)) throw new BodyDamage('the checksum of its body is wrong');
  if (held && held.length > 0) yield held;
}

/** True for what reading a body shows when its place holds something else; a failing disk (EIO) is not among it. */
function isWrongFile(error: unknown): boolean {
  if (isCorruption(error)) return true;
  const { code } = error as { code?: unknown };
  return code === 'ENOENT' || code === 'ELOOP' || code === 'EISDIR' || code === 'ENXIO';
}

/** The same octets as a Buffer, without a copy. */
export function asBuffer(octets: Uint8Array): Buffer {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}
