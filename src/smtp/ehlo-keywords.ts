// What the answer to EHLO offers, in the order in which it is said (RFC 5321 §4.1.1.1). Pure.

import type { ListenerLimits } from './listener-limits.ts';
import type { CommonExtension, OfferedParameters } from './parameters.ts';
import { formatServiceLimits } from './service-limits.ts';
import type { Offer, SmtpSession } from './session-policy.ts';
import { XCLIENT_KEYWORD } from './xclient.ts';

export interface EhloFacts {
  readonly session: Pick<SmtpSession, 'tls' | 'authentication'>;
  readonly limits: Pick<ListenerLimits, 'maxRecipients' | 'maxMessages'>;
  /** Whether the client may speak for others. */
  readonly mayClaim: boolean;
}

export function ehloKeywords(offer: Offer, { session, limits, mayClaim }: EhloFacts): string[] {
  const keywords: string[] = [];
  const push = (one: CommonExtension, keyword: string = one) => {
    if (offer.withheld?.includes(one) !== true) keywords.push(keyword);
  };
  push('SIZE', sizeKeyword(offer));
  push('PIPELINING');
  push('DSN');
  push('ENHANCEDSTATUSCODES');
  if (offer.startTls && !session.tls) keywords.push('STARTTLS');
  if (offer.anonymousTls === true && !session.tls) keywords.push('X-ANONYMOUSTLS');
  if (offer.mechanisms.length > 0 && !session.authentication) keywords.push(`AUTH ${offer.mechanisms.join(' ')}`);
  if (offer.chunking === true) keywords.push('CHUNKING');
  if (offersBinary(offer)) keywords.push('BINARYMIME');
  if (offersRequireTls(offer, session)) keywords.push('REQUIRETLS');
  push('8BITMIME');
  push('SMTPUTF8');
  keywords.push(`LIMITS ${formatServiceLimits({ rcptMax: limits.maxRecipients, mailMax: limits.maxMessages })}`);
  if (mayClaim) keywords.push(XCLIENT_KEYWORD);
  if (offer.keywords) keywords.push(...offer.keywords);
  return keywords;
}

/** The parameters that go with it. */
export function offeredParameters(
  offer: Offer | undefined,
  session: Pick<SmtpSession, 'tls' | 'authentication' | 'extended'>,
): OfferedParameters {
  return {
    extended: session.extended,
    auth: (offer?.mechanisms.length ?? 0) > 0 || session.authentication !== undefined,
    binaryMime: offersBinary(offer),
    requireTls: offersRequireTls(offer, session),
    withheld: offer?.withheld ?? [],
  };
}

/** BINARYMIME needs CHUNKING (RFC 3030 §3). */
function offersBinary(offer: Offer | undefined): boolean {
  return offer?.chunking === true && offer.binaryMime === true;
}

/** RFC 8689 §2: a message whose sender demands TLS must not come in clear itself. */
function offersRequireTls(offer: Offer | undefined, { tls }: Pick<SmtpSession, 'tls'>): boolean {
  return offer?.requireTls === true && tls !== undefined;
}

function sizeKeyword({ sizeLimitBytes, hidesSizeLimit }: Offer): string {
  return sizeLimitBytes === undefined || hidesSizeLimit === true ? 'SIZE' : `SIZE ${sizeLimitBytes}`;
}
