// A mail transaction under way: MAIL and the recipients that were taken so far (RFC 5321 §3.3).

import { mailboxKey } from './address.ts';
import type { BodyTransaction } from './body-dialog.ts';
import { REPLIES } from './replies.ts';
import type { Reply } from './reply.ts';
import type { MailCommand, RecipientCommand } from './session-policy.ts';

export class OpenTransaction implements BodyTransaction {
  readonly mail: MailCommand;
  readonly recipients: RecipientCommand[] = [];
  chunks: BodyTransaction['chunks'];
  #hasRefusedRecipient = false;

  constructor(mail: MailCommand) {
    this.mail = mail;
  }

  /** Whether a recipient is one more; one that is named twice stands once. */
  isNew({ mailbox }: RecipientCommand): boolean {
    return this.#indexOf(mailbox) === -1;
  }

  /** Takes a recipient, in the place of the same one named before. */
  take(recipient: RecipientCommand): void {
    const index = this.#indexOf(recipient.mailbox);
    this.recipients[index === -1 ? this.recipients.length : index] = recipient;
  }

  noteRefusal(): void {
    this.#hasRefusedRecipient = true;
  }

  /** Why no body may come; undefined when it may. */
  refuseBody(): Reply | undefined {
    if (this.recipients.length > 0) return undefined;
    return this.#hasRefusedRecipient ? REPLIES.noValidRecipients : REPLIES.recipientFirst;
  }

  #indexOf(mailbox: RecipientCommand['mailbox']): number {
    const key = mailboxKey(mailbox);
    return this.recipients.findIndex((known) => mailboxKey(known.mailbox) === key);
  }
}
