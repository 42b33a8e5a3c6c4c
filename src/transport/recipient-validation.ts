// Whether a recipient exists, asked at RCPT (exchange: Recipient Filter agent). Who must be asked about is accept.ts.

import type { Log } from '../log.ts';
import { messageOf } from '../problem.ts';
import type { Mailbox } from '../smtp/address.ts';
import { REPLIES } from '../smtp/replies.ts';
import type { Reply } from '../smtp/reply.ts';

/** Whether recipients are looked up, and the looking up. */
export interface RecipientValidation {
  isOn(): boolean;
  /** Throws when there is no telling. */
  isKnown(mailbox: Mailbox): Promise<boolean>;
}

/** The refusal of an unknown recipient. Who cannot be looked up is neither taken nor refused for good: the client comes back. */
export async function refuseUnknown(
  validation: RecipientValidation,
  mailbox: Mailbox,
  log: Log,
): Promise<Reply | undefined> {
  try {
    return (await validation.isKnown(mailbox)) ? undefined : REPLIES.userUnknown;
  } catch (error) {
    log.error({ error: messageOf(error) }, 'a recipient could not be looked up');
    return REPLIES.recipientLookup;
  }
}
