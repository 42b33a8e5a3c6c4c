// What can still be read of a message that was set aside, as it is and without a check: for a person to look at, never to be
// sent. Each part is read by itself, so that a damaged page costs no more than what lies on it.

import { Readable } from 'node:stream';
import type { BodyFolder } from './body-folder.ts';
import { asBuffer } from './body-reader.ts';
import { isCorruption } from './disk-fault.ts';
import type { SalvagedMessage } from './spool.ts';
import type { SpoolDatabase } from './spool-database.ts';

/** The remains of message `id`; undefined when there is not even a row. Errors are the disk's own. */
export function salvageMessage(id: number, database: SpoolDatabase, bodies: BodyFolder): SalvagedMessage | undefined {
  if (database.sizeOf(id) === undefined) return undefined;
  return {
    traceFields: readOctets(() => database.traceOf(id)) ?? Buffer.alloc(0),
    body: Readable.from(readBodyAsItIs(id, database, bodies), { objectMode: false }),
  };
}

/** Ends where nothing more can be read. */
async function* readBodyAsItIs(id: number, database: SpoolDatabase, bodies: BodyFolder): AsyncGenerator<Buffer> {
  const fileName = readOrNothing(() => database.findBody(id)?.fileName);
  if (typeof fileName !== 'string') {
    const content = readOctets(() => database.findBody(id)?.content);
    if (content && content.length > 0) yield content;
    return;
  }
  try {
    yield* bodies.read(fileName);
  } catch {
    // It is missing, no file, or ends in a bad sector: what was read is all there is.
  }
}

function readOctets(read: () => unknown): Buffer | undefined {
  const octets = readOrNothing(read);
  return octets instanceof Uint8Array ? asBuffer(octets) : undefined;
}

function readOrNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!isCorruption(error)) throw error;
    return undefined;
  }
}
