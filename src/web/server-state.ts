// What is the case now, as the states of the live events: the clock, the queues, how much there was, whether the server is
// ready. Made once a second while somebody reads; what has not changed is not sent again.

import { describeClock as describeCourse } from '../clock.ts';
import { escapeJson, toJson } from '../cmdlets/output-json.ts';
import type { OutputRecord } from '../cmdlets/output.ts';
import { describeQueue, listQueues } from '../cmdlets/queue-record.ts';
import type { ServerContext } from '../cmdlets/server-context.ts';
import { readReadiness } from './readiness.ts';

/** The fullest ones; Get-Queue has them all. */
const MAX_QUEUES = 100;

export const STATE_KINDS = ['clock', 'queues', 'load', 'health'] as const;
export type StateKind = (typeof STATE_KINDS)[number];

/** Every state as JSON. */
export function readStates(context: ServerContext): Readonly<Record<StateKind, string>> {
  return {
    clock: formatRecord(describeClock(context)),
    queues: formatRecord(describeQueues(context)),
    load: formatRecord(describeLoad(context)),
    health: formatRecord(describeHealth(context)),
  };
}

/** A record as the data of an event. */
export function formatRecord(record: OutputRecord): string {
  return escapeJson(JSON.stringify(toJson(record)));
}

export function describeClock({ clock }: ServerContext): OutputRecord {
  return {
    UtcNow: clock.now(),
    Offset: describeCourse(clock) ?? null,
    OffsetMs: Math.round(clock.offsetMs),
    Speed: clock.speed,
  };
}

function describeQueues(context: ServerContext): OutputRecord {
  const queues = listQueues(context);
  const fullest = queues.toSorted((a, b) => b.messageCount - a.messageCount).slice(0, MAX_QUEUES);
  return {
    QueueCount: queues.length,
    MessageCount: queues.reduce((sum, { messageCount }) => sum + messageCount, 0),
    Queues: fullest.map((queue) => describeQueue(context.config, queue)),
  };
}

/** Numbers since the start, which only rise. */
function describeLoad({ metrics: { mail } }: ServerContext): OutputRecord {
  return {
    Received: mail.count('messages RECEIVE'),
    ReceivedBytes: mail.count('bytes RECEIVE'),
    Sent: mail.count('messages SEND') + mail.count('messages DELIVER'),
    SentBytes: mail.count('bytes SEND') + mail.count('bytes DELIVER'),
    Deferred: mail.count('messages DEFER'),
    Failed: mail.count('messages FAIL'),
  };
}

function describeHealth(context: ServerContext): OutputRecord {
  const { isReady, reasons, warnings } = readReadiness(context);
  return {
    Ready: isReady,
    Reasons: reasons.map(({ detail }) => detail),
    Warnings: warnings.map(({ detail }) => detail),
  };
}
