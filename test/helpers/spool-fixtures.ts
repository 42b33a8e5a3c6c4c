// What the spool's tests need again and again: a folder, an envelope, a message in, its octets out.

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';
import { SPOOL_BACKENDS } from '../../src/spool/backends.ts';
import type { Envelope, Spool, SpoolBackend, SpooledMessage, SpoolOptions } from '../../src/spool/spool.ts';

export const TRACE_FIELDS = Buffer.from(
  'Received: from a.example by b.example with ESMTP; Thu, 01 Jan 2026 00:00:00 +0000\r\n',
);

/** A folder that the caller removes with `removeFolder`. */
export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), 'relaypair-spool-'));
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** The options that every backend takes. */
export function spoolOptions(folder: string): SpoolOptions {
  return { folder: join(folder, 'spool'), log: silentLog(), clock: new SystemClock() };
}

export function findBackend(name: string | undefined): SpoolBackend {
  const backend = SPOOL_BACKENDS.find((member) => member.name === name);
  if (!backend) throw new Error(`no spool backend ${name}`);
  return backend;
}

export function makeEnvelope(changes: Partial<Envelope> = {}): Envelope {
  return {
    reversePath: 'sender@example.com',
    recipients: [{ address: 'recipient@example.org' }],
    eightBit: false,
    smtpUtf8: false,
    messageId: '<1@example.com>',
    networkMessageId: '00000000-0000-0000-0000-000000000001',
    subject: 'a subject',
    source: 'SMTP:Default HUB01',
    receivedAt: new Date('2026-01-01T00:00:00.123Z'),
    expiresAt: new Date('2026-01-03T00:00:00.123Z'),
    hopCount: 1,
    ...changes,
  };
}

/** An envelope for as many recipients as named. */
export function envelopeFor(...addresses: string[]): Envelope {
  return makeEnvelope({ recipients: addresses.map((address) => ({ address })) });
}

/** Stores a message, its body handed over in pieces of `pieceBytes`. */
export async function storeMessage(
  spool: Spool,
  body: Buffer,
  envelope = makeEnvelope(),
  pieceBytes = 65_536,
): Promise<SpooledMessage> {
  const writer = spool.receive();
  for (let offset = 0; offset < body.length; offset += pieceBytes) {
    await writer.write(body.subarray(offset, offset + pieceBytes));
  }
  return writer.commit(envelope, TRACE_FIELDS);
}

export async function readBody(spool: Spool, message: SpooledMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of spool.openBody(message)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Claims whatever there is. */
export function claimAll(spool: Spool, owner = 'test'): Promise<SpooledMessage[]> {
  return spool.claim({ owner, limit: 10_000, leaseMs: 60_000 });
}

export function sha256(octets: Uint8Array): string {
  return createHash('sha256').update(octets).digest('hex');
}
