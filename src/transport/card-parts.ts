// Parts of decision cards, and what of a card goes into other records. Pure.

import type { CapturedSession } from '../capture/tap.ts';
import type { SpooledMessage } from '../spool/spool.ts';
import type { DecisionCard } from '../tracking/decision-card.ts';
import type { TrackingEventId } from '../tracking/tracking-record.ts';
import type { HopFacts, PassedOver, RecipientOutcome } from './hop.ts';

/** Of the server that was used, and before it of those that could not be. */
export function capturesOf({ captures = [], passedOver = [] }: HopFacts): readonly CapturedSession[] {
  return [...passedOver.flatMap(({ facts }) => facts.captures ?? []), ...captures];
}

export function describeCaptures(captures: readonly CapturedSession[]): Pick<DecisionCard, 'captures'> {
  return captures.length > 0 ? { captures: captures.map(({ file }) => file) } : {};
}

export function describePassedOver({ facts, reply }: PassedOver): NonNullable<DecisionCard['passedOver']>[number] {
  return { peer: facts.peer.name ?? facts.peer.address, reason: facts.reason, detail: reply };
}

/** The card in one line of JSON for the tracking log's custom-data. */
export function summarize(card: DecisionCard): string {
  const { id, channel, reason, rule, protection, tls, authentication, captures, peer } = card;
  return JSON.stringify({
    card: id,
    channel,
    reason,
    rule,
    protection,
    ...(peer.via && { via: `${peer.via.protocol} ${peer.via.address}` }),
    ...(tls && { version: tls.version, cipher: tls.cipher }),
    ...(authentication && { authentication: authentication.mechanism, result: authentication.result }),
    ...(captures && { captures }),
  });
}

/** From acceptance to delivery; undefined when nobody was delivered to. A clock that jumped back makes no negative time. */
export function secondsUntilDelivery(
  { envelope }: SpooledMessage,
  outcomes: readonly RecipientOutcome[],
  now: Date,
): number | undefined {
  if (!outcomes.some(({ status }) => status === 'delivered')) return undefined;
  return Math.max(0, now.getTime() - envelope.receivedAt.getTime()) / 1000;
}

/** What message tracking calls it. */
export const EVENT_OF_STATUS: Record<RecipientOutcome['status'], TrackingEventId> = {
  delivered: 'SEND',
  deferred: 'DEFER',
  failed: 'FAIL',
};
