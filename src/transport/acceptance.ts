// A message that was taken, with what its records say of how.

import type { ReceiveConnector } from '../directory/receive-connector.ts';
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
