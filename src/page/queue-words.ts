// What Get-Queue says, in words for people. Pure.

import type { ApiRecord } from './api.ts';
import { number, text, time } from './fields.ts';
import { texts } from './texts.ts';
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
      return SPECIAL[domain] ?? texts.queues.to(domain);
  }
}

/** What the queue does now; `now` is the server's time in milliseconds. */
export function describeStatus(queue: ApiRecord, now: number): string {
  const status = text(queue, 'Status');
  const next = time(queue, 'NextRetryTime');
  if (status === 'Suspended') return texts.queues.suspended;
  if (status === 'Retry')
    return next === undefined
      ? texts.queues.waits
      : texts.queues.triesAgain(next > now ? formatSpan(next - now) : undefined);
  if (status === 'Active' || number(queue, 'Connections') > 0) return texts.queues.active;
  if (number(queue, 'DeferredMessageCount') > 0) return texts.queues.deferred;
  return number(queue, 'MessageCount') === 0 ? texts.queues.empty : texts.queues.ready;
}

/** Why it does not go on: the queue's own error; empty where there is none. */
export function describeError(queue: ApiRecord): string {
  return text(queue, 'LastError');
}
