// Whom a message says it is from, for those who may write under their own addresses alone. Read by a library that has been
// through the disputes of address parsers; what it cannot make an address of counts as somebody else.

import addressparser from 'nodemailer/lib/addressparser';
import { type Mailbox, parseMailbox } from '../smtp/address.ts';

/** The mailboxes in the bodies of From and Sender fields (RFC 5322 §3.6.2); undefined when one of them is none, or nobody knows. */
export function readAuthors(fields: readonly string[] | undefined): readonly Mailbox[] | undefined {
  if (fields === undefined) return undefined;
  const written = fields.flatMap((field) => addressparser(field, { flatten: true }));
  const mailboxes = written.flatMap(({ address }) => parseMailbox(address) ?? []);
  return mailboxes.length === written.length ? mailboxes : undefined;
}
