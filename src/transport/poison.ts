// Poison: a message that was under work whenever the server crashed. After two crashes it is not tried any more, kept in the
// queue Poison, and said so; somebody resumes, exports or removes it. After one crash those that were under work are tried one
// after the other, so that the second crash tells which of them it was.

import type { Clock } from '../clock.ts';
import type { Spool, SpooledMessage } from '../spool/spool.ts';
import { createEvent } from '../tracking/events.ts';
import type { EventLog } from '../tracking/event-log.ts';
import type { MessageTracking } from '../tracking/message-tracking.ts';
import type { CrashFolder } from './crash-folder.ts';

/** Exchange's PoisonThreshold. */
const POISON_THRESHOLD = 2;

/** Time between the attempts at messages that were under work together. */
const APART_MS = 2000;

export interface PoisonOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly tracking: MessageTracking;
  readonly server: string;
  readonly folder: CrashFolder;
}

/** Draws the consequences of the crash before this start: before the queue takes anything up. */
export async function judgeSuspects(options: PoisonOptions): Promise<void> {
  const { spool, events, folder, server } = options;
  if (folder.crash) {
    const { cause, ids } = folder.crash;
    events.record(createEvent('ServerCrashed', { server, cause, underWork: ids.length }));
  }
  const kept = new Map<number, number>();
  for (const [id, crashes] of folder.counts) {
    const message = await spool.get(id);
    if (!message || message.poison) continue;
    if (crashes >= POISON_THRESHOLD) await setAside(message, crashes, options);
    else {
      if (folder.crash?.ids.includes(id)) await delay(message, kept.size, options);
      kept.set(id, crashes);
    }
  }
  folder.keepCounts(kept);
}

async function setAside(message: SpooledMessage, crashes: number, options: PoisonOptions): Promise<void> {
  const { spool, events, tracking, folder, server } = options;
  const cause = folder.crash?.cause ?? 'see the event log';
  const lastError = `451 4.3.0 Poison: the server crashed ${crashes} times while it worked on this message (${cause})`;
  const recipients = message.recipients.flatMap(({ status }, index) =>
    status === 'pending' ? [{ index, status, lastError }] : [],
  );
  await spool.settle(message.id, { recipients, poison: true });
  const { id, envelope } = message;
  events.record(createEvent('MessagePoisoned', { entry: String(id), crashes, cause, sender: envelope.reversePath }));
  tracking.record({
    eventId: 'POISONMESSAGE',
    source: 'QUEUE',
    internalMessageId: id,
    messageId: envelope.messageId,
    networkMessageId: envelope.networkMessageId,
    messageSubject: envelope.subject,
    sender: envelope.reversePath,
    returnPath: envelope.reversePath,
    totalBytes: message.bodySizeBytes,
    recipients: recipients.map(({ index }) => message.recipients[index]?.address ?? ''),
    recipientStatus: recipients.map(() => lastError),
    serverHostname: server,
  });
}

/** The first one at once, each other one a while after the one before. */
async function delay(
  { id, nextAttemptAt }: SpooledMessage,
  place: number,
  { spool, clock }: PoisonOptions,
): Promise<void> {
  const turn = clock.now().getTime() + place * APART_MS;
  await spool.settle(id, { nextAttemptAt: new Date(Math.max(turn, nextAttemptAt.getTime())) });
}
