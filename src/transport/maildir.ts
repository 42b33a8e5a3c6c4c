// Delivery into Maildir folders: one for each recipient, written in tmp, synced, renamed into new, folder synced. The file's
// name comes from the message's own id, so a delivery that a crash repeats replaces its first copy instead of doubling it.

import { createWriteStream, existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ensurePrivateFolder, syncFolder } from '../storage/files.ts';

export interface MaildirDelivery {
  readonly folder: string;
  readonly recipient: string;
  readonly reversePath: string;
  readonly networkMessageId: string;
  readonly receivedAt: Date;
  readonly body: () => Readable;
}

/** Writes one message for one recipient; after it resolves the message survives a power cut. Rejects on a broken disk. */
export async function deliverToMaildir(delivery: MaildirDelivery): Promise<void> {
  const mailbox = join(delivery.folder, safeName(delivery.recipient));
  for (const part of ['tmp', 'new', 'cur']) ensurePrivateFolder(join(mailbox, part));
  const name = `${Math.floor(delivery.receivedAt.getTime() / 1000)}.${delivery.networkMessageId}.relaypair`;
  if (existsSync(join(mailbox, 'cur', `${name}:2,S`))) return;
  const temporary = join(mailbox, 'tmp', name);
  const file = createWriteStream(temporary, { mode: 0o600, flush: true });
  file.write(`Return-Path: <${delivery.reversePath}>\r\n`);
  await pipeline(delivery.body(), file);
  await rename(temporary, join(mailbox, 'new', name));
  syncFolder(join(mailbox, 'new'));
}

/** An address as one path component: nothing in it can name another folder. */
function safeName(address: string): string {
  const name = encodeURIComponent(address)
    .replaceAll('%40', '@')
    .replace(/^\.+/, (dots) => '%2E'.repeat(dots.length));
  return name.slice(0, 200);
}
