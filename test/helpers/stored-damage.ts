// Damage to the stored mail of a server that is stopped, done from outside as a bad disk does it, and letters whose octets can be
// found there.

import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** So small a body is kept in the database. */
export const SMALL_BYTES = 2000;
/** The spool keeps such a body in a file of its own. */
export const LARGE_BYTES = 600_000;

export interface MarkedLetter {
  /** With angle brackets. */
  readonly messageId: string;
  readonly content: Buffer;
  /** A text in the middle of the body, and nowhere else. */
  readonly mark: string;
}

export function markLetter(subject: string, sizeBytes: number): MarkedLetter {
  const [messageId, mark] = [`<${randomUUID()}@damage.test>`, randomUUID()];
  const half = `${'x'.repeat(70)}\r\n`.repeat(Math.ceil(sizeBytes / 144));
  const header = `Message-ID: ${messageId}\r\nSubject: ${subject}\r\n\r\n`;
  return { messageId, mark, content: Buffer.from(`${header}${half}${mark}\r\n${half}`) };
}

/** Flips a bit of the text wherever it lies in the spool of this data folder; the files that it lay in, as named in the spool. */
export function flipBitOf(text: string, dataFolder: string): string[] {
  const spool = join(dataFolder, 'spool');
  return readdirSync(spool, { recursive: true, encoding: 'utf8' }).filter((name) => {
    // Folders, and files of others, hold no mail.
    if (!/\.(?:body|db|db-wal)$/.test(name)) return false;
    const octets = readFileSync(join(spool, name));
    let found = 0;
    for (let at = octets.indexOf(text); at >= 0; at = octets.indexOf(text, at + 1)) {
      octets.writeUInt8(octets.readUInt8(at) ^ 1, at);
      found += 1;
    }
    if (found > 0) writeFileSync(join(spool, name), octets);
    return found > 0;
  });
}
