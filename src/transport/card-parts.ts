// Parts of decision cards, and what of a card goes into other records. Pure.

import type { CapturedSession } from '../capture/tap.ts';
import type { DecisionCard } from '../tracking/decision-card.ts';
import type { HopFacts, PassedOver } from './hop.ts';

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
