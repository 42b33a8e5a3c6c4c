// What Get-Queue says, in words for people. Pure.

import type { ApiRecord } from './api.ts';
import { number, text, time } from './fields.ts';
import { say, texts } from './texts.ts';
import { formatSpan } from './times.ts';

/** Queues that are none to a server, by their NextHopDomain. */
const SPECIAL: Readonly<Record<string, string>> = {
  Submission: texts.queues.submission,
  'Unreachable Domain': texts.queues.unreachable,
  'Poison Message': texts.queues.poison,
};

/** Where the mail of the queue goes. */
export function describeNextHop(queue: ApiRecord): string {
  const domain = text(queue, 'NextHopDomain');
  switch (text(queue, 'DeliveryType')) {
    case 'SmtpRelayWithinAdSiteToEdge':
      return texts.queues.toEdge;
    case 'SmtpDeliveryToMailbox':
      return texts.queues.toMailboxes;
    default:
      return SPECIAL[domain] ?? say(texts.queues.to, { domain });
  }
}

/** Of all queues of a server. */
export function describeWaiting(count: number): string {
  return count === 0 ? texts.queues.nothingWaits : say(texts.queues.waiting, { number: count });
}

/** What the queue does now; `now` is the server's time in milliseconds. */
export function describeStatus(queue: ApiRecord, now: number): string {
  const status = text(queue, 'Status');
  const next = time(queue, 'NextRetryTime');
  if (status === 'Suspended') return texts.queues.suspended;
  if (status === 'Retry') return describeNextTry(next, now);
  if (status === 'Active' || number(queue, 'Connections') > 0) return texts.queues.active;
  if (number(queue, 'DeferredMessageCount') > 0) return texts.queues.deferred;
  return number(queue, 'MessageCount') === 0 ? texts.queues.empty : texts.queues.ready;
}

function describeNextTry(next: number | undefined, now: number): string {
  if (next === undefined) return texts.queues.waits;
  return next > now ? say(texts.queues.triesAgain, { span: formatSpan(next - now) }) : texts.queues.triesAgainNow;
}

/** Whether two replies are one by their code and enhanced status code (RFC 3463); what they say beside them may differ by an attempt. */
export function isSameReply(a: string, b: string): boolean {
  return a === b || (codesOf(a) !== '' && codesOf(a) === codesOf(b));
}

function codesOf(reply: string): string {
  return /^\d{3} \d\.\d{1,3}\.\d{1,3}(?= |$)/.exec(reply)?.[0] ?? '';
}

/** Why it does not go on: the queue's own error; empty where there is none. */
export function describeError(queue: ApiRecord): string {
  return text(queue, 'LastError');
}
