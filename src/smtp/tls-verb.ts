// The verbs that lead from a conversation in clear into TLS: the standard's (RFC 3207), and Exchange's own, which is the same on
// the wire but for its name, and by which servers of one organisation show each other the certificates of direct trust.

import { REPLIES } from './replies.ts';
import type { Reply } from './reply.ts';

/** As it is said, and as EHLO offers it. */
export type TlsVerb = 'STARTTLS' | 'X-ANONYMOUSTLS';

/** Which of them a session in clear may use. */
interface TlsOffer {
  readonly startTls: boolean;
  readonly anonymousTls?: boolean;
}

/** The reply to a verb that must not be followed; undefined when it may. `argument` is what stood behind it. */
export function refuseTlsVerb(verb: TlsVerb, argument: string, offer: TlsOffer, isInTls: boolean): Reply | undefined {
  const isOffered = verb === 'STARTTLS' ? offer.startTls : offer.anonymousTls === true;
  // Unlike STARTTLS it is no command of the standard: where it is not offered there is no such command.
  if (verb === 'X-ANONYMOUSTLS' && offer.anonymousTls !== true) return REPLIES.unrecognized;
  if (argument !== '') return REPLIES.noParameters;
  if (isInTls) return REPLIES.tlsActive;
  return isOffered ? undefined : REPLIES.startTlsNotOffered;
}

/** Whether the answer to an EHLO in clear names one of them. */
export function offersTls(offer: TlsOffer): boolean {
  return offer.startTls || offer.anonymousTls === true;
}
