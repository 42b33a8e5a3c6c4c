// Hands a message in to a server as any client would: by SMTP, without TLS and without a password.

import { Readable } from 'node:stream';
import { silentLog } from '../log.ts';
import { Problem } from '../problem.ts';
import type { Reply } from '../smtp/reply.ts';
import { dial, type SenderSession } from '../smtp/sender.ts';

/** Where a server listens, and the client's own name for EHLO. */
export interface Entrance {
  readonly port: number;
  readonly name: string;
}

export interface Letter {
  readonly from: string;
  readonly to: readonly string[];
  /** CRLF line ends, CRLF at the end, no dots stuffed. */
  readonly content: Buffer;
}

/** Opens a session; throws Problem `no-answer` when no conversation comes about. */
async function openSession({ port, name }: Entrance): Promise<SenderSession> {
  const result = await dial({ host: '127.0.0.1', port, name, startTls: 'never', log: silentLog() });
  if (result.kind === 'connected') return result.session;
  throw new Problem('no-answer', `nobody answers at port ${port} (${result.phase}: ${result.code})`);
}

/** Hands the letter in and returns the reply for its first recipient, the one to the final dot where it came so far. */
export async function handIn(entrance: Entrance, { from, to, content }: Letter): Promise<Reply | undefined> {
  const session = await openSession(entrance);
  const { recipients } = await session.send({
    reversePath: from,
    recipients: to.map((address) => ({ address })),
    sizeBytes: content.length,
    eightBit: content.some((octet) => octet > 127),
    smtpUtf8: false,
    body: () => Readable.from([content]),
  });
  await session.quit();
  return recipients[0]?.reply;
}

/** The EHLO keywords that a stranger reads, in upper case and in order. */
export async function readKeywords(entrance: Entrance): Promise<string[]> {
  const session = await openSession(entrance);
  await session.quit();
  return [...session.capabilities.keys()].toSorted();
}
