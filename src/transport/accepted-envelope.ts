// The envelope of a message that was taken, as the spool keeps it: what the client said, and what its header says. Pure, but for the
// id that a message gets that brings none.

import { randomUUID } from 'node:crypto';
import type { ReceiveConnector } from '../directory/receive-connector.ts';
import type { RecipientCommand, Transaction } from '../smtp/session-policy.ts';
import type { Envelope } from '../spool/spool.ts';
import type { Intake } from './intake.ts';
import { type Organisation, type Peer, postmasterDomain } from './organisation.ts';

export interface TakenMail {
  readonly transaction: Transaction;
  readonly taken: Intake;
  readonly connector: ReceiveConnector;
  /** The member of the pair that it came from. */
  readonly peer: Peer | undefined;
  readonly sourceAddress: string;
  readonly organisation: Organisation;
  readonly receivedAt: Date;
  readonly expirationMs: number;
}

export function acceptedEnvelope(mail: TakenMail): Envelope {
  const { taken, organisation, peer, receivedAt } = mail;
  const { mail: command, recipients } = mail.transaction;
  const networkMessageId = taken.networkId ?? randomUUID();
  return {
    reversePath: command.reversePath?.text ?? '',
    recipients: recipients.map((recipient) => recipientOf(recipient, organisation)),
    eightBit: command.body === '8BITMIME' || taken.facts.hasEightBit,
    ...(command.body === 'BINARYMIME' && { binaryMime: true }),
    smtpUtf8: command.smtpUtf8,
    ...(command.requireTls === true && { requireTls: true }),
    ...(taken.facts.isTlsOptional && { tlsOptional: true }),
    ...(command.ret && { ret: command.ret }),
    ...(command.envelopeId !== undefined && { envelopeId: command.envelopeId }),
    messageId: taken.facts.messageId ?? `<${networkMessageId}@${organisation.fqdn}>`,
    networkMessageId,
    subject: taken.facts.subject,
    source: `SMTP:${mail.connector.name}`,
    sourceAddress: mail.sourceAddress,
    receivedAt,
    expiresAt: new Date(receivedAt.getTime() + mail.expirationMs),
    ...(peer && { authenticatedAs: peer.fqdn }),
    hopCount: taken.facts.receivedCount,
    ...(taken.internalFieldsBytes > 0 && { internalFieldsBytes: taken.internalFieldsBytes }),
  };
}

function recipientOf(command: RecipientCommand, organisation: Organisation): Envelope['recipients'][number] {
  const { mailbox, notify, originalRecipient } = command;
  const address = mailbox.domain === '' ? `${mailbox.localPart}@${postmasterDomain(organisation)}` : mailbox.text;
  return { address, ...(notify && { notify }), ...(originalRecipient !== undefined && { originalRecipient }) };
}
