// What sorts a message into a queue, read from its row without the checks that the whole message is read with: two hundred
// thousand of them are claimed at a start, and each is checked before it is sent.

import type { EnvelopeRecipient, MessageHead, RecipientStatus } from './spool.ts';

/** The row, with what a flipped bit may have made of it. */
export interface HeadColumns {
  readonly id: number;
  readonly envelope: unknown;
  readonly attempts: unknown;
  readonly nextAttemptMs: unknown;
  readonly suspended: unknown;
  /** As `encodeState` writes them; null for a fresh message. */
  readonly recipients: unknown;
}

interface StoredEnvelope {
  readonly recipients: readonly EnvelopeRecipient[];
  readonly reversePath: string;
  readonly requireTls?: boolean;
  readonly tlsOptional?: boolean;
  readonly receivedAt: string;
  readonly expiresAt: string;
}

/** The head; undefined when the row makes no sense: whoever reads the whole message will find out why. */
export function decodeHead(columns: HeadColumns): MessageHead | undefined {
  try {
    return readHead(columns);
  } catch {
    return undefined;
  }
}

function readHead({
  id,
  envelope: text,
  attempts,
  nextAttemptMs,
  suspended,
  recipients,
}: HeadColumns): MessageHead | undefined {
  const stored = JSON.parse(text as string) as StoredEnvelope;
  const { reversePath, requireTls, tlsOptional } = stored;
  const envelope = {
    reversePath,
    ...(requireTls === true && { requireTls }),
    ...(tlsOptional === true && { tlsOptional }),
    receivedAt: new Date(stored.receivedAt),
    expiresAt: new Date(stored.expiresAt),
  };
  const head = {
    id,
    envelope,
    recipients: stored.recipients.map(({ address }) => ({
      address,
      status: 'pending' as RecipientStatus,
      delayNotified: false,
    })),
    attempts: Number(attempts ?? 0),
    nextAttemptAt: typeof nextAttemptMs === 'number' ? new Date(nextAttemptMs) : envelope.receivedAt,
    suspended: Number(suspended ?? 0) !== 0,
  };
  const changes = recipients === null ? [] : (JSON.parse(recipients as string) as [number, RecipientStatus, boolean][]);
  for (const [index, status, delayNotified] of changes) {
    const recipient = head.recipients[index];
    if (!recipient) return undefined;
    recipient.status = status;
    recipient.delayNotified = delayNotified;
  }
  return isSound(head) ? head : undefined;
}

function isSound({ recipients, envelope, attempts, nextAttemptAt }: MessageHead): boolean {
  const times = [envelope.receivedAt, envelope.expiresAt, nextAttemptAt].map((date) => date.getTime());
  const isPending = recipients.some(({ status }) => status === 'pending');
  return (
    isPending &&
    recipients.every(({ address }) => typeof address === 'string') &&
    [...times, attempts].every(Number.isFinite)
  );
}
