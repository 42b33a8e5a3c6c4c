// What a receiver's decision card says about how TLS was offered and used.

import type { SmtpSession } from '../smtp/session-policy.ts';
import type { StartTlsFacts } from '../tracking/decision-card.ts';
import type { StartTlsOffer } from '../trust/reception.ts';

export function describeReceptionRule({ service, tlsVerb }: SmtpSession, offer: StartTlsOffer): string {
  if (service === 'smtps') return 'reception: TLS from the first octet';
  if (tlsVerb === 'X-ANONYMOUSTLS') return 'reception: X-ANONYMOUSTLS offered';
  return offer.offered ? 'reception: STARTTLS offered' : `reception: STARTTLS withdrawn, ${offer.reason}`;
}

export function describeClientTls({ startTlsOffered, tls, tlsVerb }: SmtpSession): StartTlsFacts {
  if (!tls || !tlsVerb) return { offered: startTlsOffered, attempted: false };
  return { offered: startTlsOffered, attempted: true, verb: tlsVerb };
}
