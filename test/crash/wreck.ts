// The spool of a server that was killed, looked at before its successor touches it: what it had not recorded as done, and
// whether everything in it is whole. A copy is opened, by the spool's own recovery.

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Spool, SpooledMessage } from '../../src/spool/spool.ts';
import { findBackend, readBody, sha256, spoolOptions } from '../helpers/spool-fixtures.ts';
import { findIds, type Letter, reportKey } from './letter.ts';

export interface Wreck {
  /** Keys of what is still to be sent on, once for each copy. */
  readonly pending: readonly string[];
  /** Whatever is damaged, half or unknown. */
  readonly troubles: readonly string[];
}

/** Reads the spool in a dead server's data folder. */
export async function readWreck(dataFolder: string, letters: ReadonlyMap<string, Letter>): Promise<Wreck> {
  const copy = mkdtempSync(join(tmpdir(), 'relaypair-wreck-'));
  try {
    cpSync(join(dataFolder, 'spool'), join(copy, 'spool'), { recursive: true });
    const spool = await findBackend('embedded').open(spoolOptions(copy));
    try {
      return await readSpool(spool, letters);
    } finally {
      await spool.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function readSpool(spool: Spool, letters: ReadonlyMap<string, Letter>): Promise<Wreck> {
  const pending: string[] = [];
  const troubles: string[] = [];
  for (const message of await spool.list({ limit: 1_000_000 })) {
    try {
      const body = await readBody(spool, message);
      if (message.envelope.reversePath === '') pending.push(...findIds(body).map((id) => reportKey(id)));
      else {
        pending.push(...pendingAddresses(message));
        if (!endsWithLetter(message, body, letters)) troubles.push(`message ${message.id} is none that was submitted`);
      }
    } catch (error) {
      troubles.push(String(error));
    }
  }
  const { damaged } = await spool.count();
  if (damaged > 0) troubles.push(`${damaged} messages are damaged`);
  return { pending, troubles };
}

function pendingAddresses({ recipients }: SpooledMessage): string[] {
  return recipients.filter(({ status }) => status === 'pending').map(({ address }) => address);
}

/** On the second server the first one's trace field stands before it. */
function endsWithLetter({ envelope }: SpooledMessage, body: Buffer, letters: ReadonlyMap<string, Letter>): boolean {
  const letter = letters.get(envelope.messageId.replace(/^<|>$/g, ''));
  if (!letter || body.length < letter.sizeBytes) return false;
  return sha256(body.subarray(body.length - letter.sizeBytes)) === letter.sha256;
}
