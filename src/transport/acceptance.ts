// A message that was taken, with what its records and its client are told.

import type { ReceiveConnector } from '../directory/receive-connector.ts';
import { queuedReply } from '../smtp/replies.ts';
import type { Reply } from '../smtp/reply.ts';
import type { SmtpSession } from '../smtp/session-policy.ts';
import type { SpooledMessage } from '../spool/spool.ts';
import type { StartTlsOffer } from '../trust/reception.ts';
import type { Reason } from '../trust/reasons.ts';

export interface Acceptance {
  readonly message: SpooledMessage;
  readonly session: SmtpSession;
  readonly connector: ReceiveConnector;
  readonly reason: Reason;
  readonly offer: StartTlsOffer;
  /** Whether what the client proved still counts. */
  readonly isAuthenticated: boolean;
}

/** A reply line has room for 512 octets (RFC 5321 §4.5.3.1.5), and a client may not know UTF-8. */
export function acceptedReply({ id, envelope }: SpooledMessage, fqdn: string): Reply {
  const messageId = envelope.messageId.replaceAll(/[^!-~]/g, '?').slice(0, 150);
  return queuedReply(`${messageId} [InternalId=${id}, Hostname=${fqdn}]`);
}
