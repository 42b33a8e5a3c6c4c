// Delivery into Maildir folders: one for each recipient, written in tmp, synced, renamed into new, folder synced. The file's
// name comes from the message's own id, so a delivery that a crash repeats replaces its first copy instead of doubling it.

import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface MaildirDelivery {
  readonly folder: string;
  readonly recipient: string;
  readonly reversePath: string;
  readonly networkMessageId: string;
  readonly receivedAt: Date;
  readonly body: () => AsyncIterable<Buffer>;
}

const MAX_NAME_LENGTH = 200;

/** Writes one message for one recipient; after it resolves the message survives a power cut. Rejects on a broken disk. */
export async function deliverToMaildir(delivery: MaildirDelivery): Promise<void> {
  const mailbox = join(delivery.folder, mailboxName(delivery.recipient));
  for (const part of ['tmp', 'new', 'cur']) await makeFolder(join(mailbox, part));
  const name = `${Math.floor(delivery.receivedAt.getTime() / 1000)}.${delivery.networkMessageId}.relaypair`;
  if (await isRead(join(mailbox, 'cur'), name)) return;
  const temporary = join(mailbox, 'tmp', name);
  try {
    await writeMessage(temporary, delivery);
    await rename(temporary, join(mailbox, 'new', name));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(join(mailbox, 'new'));
}

async function writeMessage(path: string, { reversePath, body }: MaildirDelivery): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.write(`Return-Path: <${reversePath}>\r\n`);
    for await (const chunk of body()) await file.appendFile(chunk);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** True when a mail reader has already taken a first copy of it, under whatever flags. */
async function isRead(folder: string, name: string): Promise<boolean> {
  const names = await readdir(folder);
  return names.some((candidate) => candidate === name || candidate.startsWith(`${name}:`));
}

/** A folder that was made is only then sure to be there after a power cut when those above it have been synced. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** An address as one path component: nothing in it can name another folder, and letter case names no other mailbox. */
function mailboxName(address: string): string {
  const name = encodeURIComponent(address.toLowerCase().toWellFormed())
    .replaceAll('%40', '@')
    // No address is encoded to a lone percent sign: no other mailbox has this name.
    .replace(/^(?=\.|$)/, '%');
  if (name.length <= MAX_NAME_LENGTH) return name;
  // Two long addresses that begin alike are still two mailboxes.
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 32);
  return `${name.slice(0, MAX_NAME_LENGTH - digest.length - 1)}~${digest}`;
}
