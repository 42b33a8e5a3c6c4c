// What the answer to EHLO offers, in the order in which it is said (RFC 5321 §4.1.1.1). Pure.

import type { Offer, SmtpSession } from './session-policy.ts';

export function ehloKeywords(offer: Offer, session: Pick<SmtpSession, 'tls' | 'authentication'>): string[] {
  const size = offer.sizeLimitBytes === undefined ? 'SIZE' : `SIZE ${offer.sizeLimitBytes}`;
  const keywords = [size, 'PIPELINING', 'DSN', 'ENHANCEDSTATUSCODES'];
  if (offer.startTls && !session.tls) keywords.push('STARTTLS');
  if (offer.anonymousTls === true && !session.tls) keywords.push('X-ANONYMOUSTLS');
  if (offer.mechanisms.length > 0 && !session.authentication) keywords.push(`AUTH ${offer.mechanisms.join(' ')}`);
  if (offer.chunking === true) keywords.push('CHUNKING');
  if (offersBinary(offer)) keywords.push('BINARYMIME');
  if (offersRequireTls(offer, session)) keywords.push('REQUIRETLS');
  return [...keywords, '8BITMIME', 'SMTPUTF8', ...(offer.keywords ?? [])];
}

/** BINARYMIME needs CHUNKING (RFC 3030 §3). */
export function offersBinary(offer: Offer | undefined): boolean {
  return offer?.chunking === true && offer.binaryMime === true;
}

/** RFC 8689 §2: a message whose sender demands TLS must not come in clear itself. */
export function offersRequireTls(offer: Offer | undefined, { tls }: Pick<SmtpSession, 'tls'>): boolean {
  return offer?.requireTls === true && tls !== undefined;
}
