// Proxy addresses as Active Directory writes them: `SMTP:` before the one address that is primary, `smtp:` before every other.
// To the perimeter goes only the SHA-256 of an address in lower case, so that whoever takes an Edge finds no list of people.

import { createHash } from 'node:crypto';
import { Problem } from '../problem.ts';
import { type Mailbox, mailboxKey, parseMailbox } from '../smtp/address.ts';

const PREFIX = /^smtp:/i;

/** `ed@contoso.com`, with or without its prefix, as it is stored: the domain in A-labels. Throws Problem `bad-address`. */
export function parseAddress(text: string): string {
  const mailbox = parseMailbox(text.trim().replace(PREFIX, ''));
  if (!mailbox || mailbox.domain.startsWith('[')) {
    throw new Problem('bad-address', `"${text}" is no mail address; write it as ed@contoso.com`);
  }
  const [local = ''] = mailbox.text.split(/@(?=[^@]*$)/);
  return `${local}@${mailbox.domain}`;
}

/** The list for the directory, the primary address first; an address that is there twice is there once. */
export function formatProxyAddresses(primary: string, others: readonly string[]): string[] {
  const seen = new Set([primary.toLowerCase()]);
  const further = others.filter((address) => {
    const key = address.toLowerCase();
    return !seen.has(key) && seen.add(key);
  });
  return [`SMTP:${primary}`, ...further.map((address) => `smtp:${address}`)];
}

/** The addresses in a list from the directory; other kinds of proxy address (X400, EUM) are passed over. */
export function readProxyAddresses(values: readonly string[]): { primary: string | undefined; others: string[] } {
  const addresses = values.filter((value) => PREFIX.test(value));
  const primary = addresses.find((value) => value.startsWith('SMTP:'))?.slice(5);
  const others = addresses.map((value) => value.slice(5)).filter((address) => address !== primary);
  return { primary, others };
}

/** What stands for the address on an Edge: 32 octets, the same for every way to write its letters or to quote them. */
export function hashAddress(address: string): Buffer {
  const mailbox = parseMailbox(address);
  return hashText(mailbox ? mailboxKey(mailbox) : address);
}

/** The same for a recipient as a client named it. */
export function hashMailbox(mailbox: Mailbox): Buffer {
  return hashText(mailboxKey(mailbox));
}

function hashText(text: string): Buffer {
  return createHash('sha256').update(text.normalize('NFC').toLowerCase()).digest();
}
