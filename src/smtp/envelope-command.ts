// The arguments of MAIL and RCPT as values (RFC 5321 §4.1.1.2, §4.1.1.3): path and parameters, judged by what the client was
// offered. Pure; what the policy thinks of the address comes later.

import { isAsciiMailbox, parsePath } from './address.ts';
import { type OfferedParameters, type Parsed, parseMailParameters, parseRecipientParameters } from './parameters.ts';
import { REPLIES } from './replies.ts';
import type { Reply } from './reply.ts';
import type { MailCommand, RecipientCommand } from './session-policy.ts';

/** `argument` is what follows MAIL; a size beyond `limitBytes` is refused at once (RFC 1870 §6.1). */
export function parseMailCommand(
  argument: string,
  offered: OfferedParameters,
  limitBytes?: number,
): Parsed<MailCommand> {
  const written = /^FROM: *(<.*)$/iu.exec(argument)?.[1];
  if (written === undefined) return refused(REPLIES.mailSyntax);
  const path = parsePath(written, 'reverse');
  if (!path) return refused(REPLIES.senderAddressSyntax);
  const parsed = parseMailParameters(path.rest, offered);
  if (parsed.kind === 'refused') return parsed;
  const { value } = parsed;
  if (path.mailbox && !isAsciiMailbox(path.mailbox) && !value.smtpUtf8) return refused(REPLIES.utf8Needed);
  if (limitBytes !== undefined && (value.sizeBytes ?? 0) > limitBytes) return refused(REPLIES.messageTooLarge);
  return { kind: 'parsed', value: { reversePath: path.mailbox, ...value } };
}

/** `argument` is what follows RCPT; `mail` is the transaction's MAIL, which says whether UTF-8 is announced. */
export function parseRecipientCommand(
  argument: string,
  offered: OfferedParameters,
  mail: MailCommand,
): Parsed<RecipientCommand> {
  const written = /^TO: *(<.*)$/iu.exec(argument)?.[1];
  if (written === undefined) return refused(REPLIES.recipientSyntax);
  const path = parsePath(written, 'forward');
  if (!path?.mailbox) return refused(REPLIES.recipientAddressSyntax);
  const parsed = parseRecipientParameters(path.rest, offered);
  if (parsed.kind === 'refused') return parsed;
  if (!isAsciiMailbox(path.mailbox) && !mail.smtpUtf8) return refused(REPLIES.utf8Needed);
  return { kind: 'parsed', value: { mailbox: path.mailbox, ...parsed.value } };
}

function refused(reply: Reply): { kind: 'refused'; reply: Reply } {
  return { kind: 'refused', reply };
}
