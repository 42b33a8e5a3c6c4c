// The hosts that take mail for a domain, found as they are needed: MX records and what mx.ts reads in them, or the domain's own
// addresses where there are none (the implicit MX). What stands in the way is said as a value, certain or not: only
// what is certain may return a message. RFC 5321 §5.1, RFC 7505.

import type { Endpoint } from '../config.ts';
import type { MailExchanger } from '../dns/resolver.ts';
import { readMx } from './mx.ts';
import { type Address, type AddressBook, findAddresses, hostsEntry } from './next-hop.ts';

export interface ExchangerHost {
  readonly kind: 'host';
  readonly host: string;
  readonly addresses: readonly Address[];
}

export interface NoExchanger {
  readonly kind: 'none';
  /** Whose addresses were looked for, or whose exchangers. */
  readonly host: string;
  /** Trying again is of no use. */
  readonly isCertain: boolean;
  /** A whole SMTP reply text. */
  readonly reply: string;
}

/** How hosts did of late, see LoadBalance. */
export interface Standing {
  /** Equal hosts with those in front that are likely to be of use. */
  rank<T extends { readonly host: string }>(hosts: readonly T[]): readonly T[];
  /** Could not be used a moment ago: stands behind all others, worse ones too. */
  isShunned(host: string): boolean;
}

export interface ExchangerQuestion {
  readonly book: AddressBook;
  /** As A-labels, or an address literal in brackets. */
  readonly domain: string;
  readonly port: number;
  readonly isOwnName: (host: string) => boolean;
  readonly isOwnPlace: (place: Endpoint) => boolean;
  readonly random: () => number;
  readonly standing: Standing;
}

/** Of one host so many addresses are tried, and of all hosts together. */
export const MAX_ADDRESSES_OF_HOST = 4;
export const MAX_ADDRESSES = 12;

/** Whom to try, in order, each looked up when its turn has come; at least one, be it the reason why there is nobody. */
export async function* findExchangers(question: ExchangerQuestion): AsyncGenerator<ExchangerHost | NoExchanger> {
  let left = MAX_ADDRESSES;
  for await (const exchanger of findAll(question)) {
    if (exchanger.kind === 'none') yield exchanger;
    else if (left > 0) {
      const addresses = exchanger.addresses.slice(0, Math.min(left, MAX_ADDRESSES_OF_HOST));
      left -= addresses.length;
      yield { ...exchanger, addresses };
    }
  }
}

async function* findAll(question: ExchangerQuestion): AsyncGenerator<ExchangerHost | NoExchanger> {
  const { book, domain } = question;
  // Nothing is asked about a literal, nor about what the config knows.
  const isKnown = domain.startsWith('[') || hostsEntry(book, domain) !== undefined;
  const answer = isKnown ? ({ kind: 'no-data' } as const) : await book.resolver.mailExchangers(domain);
  if (answer.kind === 'found') yield* findListed(question, answer.records);
  else if (answer.kind === 'failed') yield unanswered(domain, answer.code);
  else if (answer.kind === 'no-name') yield none(domain, `550 5.1.2 The domain ${domain} does not exist`);
  else {
    const look = await lookAt(question, domain);
    yield look.kind === 'us' ? loop(domain) : look;
  }
}

async function* findListed(
  question: ExchangerQuestion,
  records: readonly MailExchanger[],
): AsyncGenerator<ExchangerHost | NoExchanger> {
  const { domain } = question;
  const reading = readMx(records, question);
  if (reading.kind === 'exchangers') yield* tryGroups(question, reading);
  else yield none(domain, `556 5.1.10 The domain ${domain} takes no mail: it has a null MX`);
}

/** Group by group; when it is our own turn, nobody comes after. */
async function* tryGroups(
  question: ExchangerQuestion,
  reading: { readonly groups: readonly (readonly string[])[]; readonly endsWithUs: boolean },
): AsyncGenerator<ExchangerHost | NoExchanger> {
  const { domain, standing } = question;
  const shunned: ExchangerHost[] = [];
  let { endsWithUs } = reading;
  for (const group of reading.groups) {
    const looks = await Promise.all(group.map((host) => lookAt(question, host)));
    // Ourselves by address, which is known only now: the others of this group are no better than we are.
    if (looks.some(({ kind }) => kind === 'us')) {
      endsWithUs = true;
      break;
    }
    yield* looks.filter((look) => look.kind === 'none');
    for (const host of standing.rank(looks.filter((look) => look.kind === 'host'))) {
      if (standing.isShunned(host.host)) shunned.push(host);
      else yield host;
    }
  }
  yield* shunned;
  if (endsWithUs) yield loop(domain);
  else if (reading.groups.length === 0) yield none(domain, `550 5.4.4 No mail exchanger of ${domain} has a valid name`);
}

/** The addresses of a host other than this server's own. */
async function lookAt(
  question: ExchangerQuestion,
  host: string,
): Promise<ExchangerHost | NoExchanger | { readonly kind: 'us' }> {
  const { book, port, domain } = question;
  if (question.isOwnName(host)) return { kind: 'us' };
  const found = await findAddresses(book, host, port);
  if (found.kind === 'unknown') {
    if (!found.isCertain) return unanswered(host, found.code);
    return host === domain
      ? none(host, `550 5.1.2 The domain ${domain} has neither a mail exchanger nor an address`)
      : none(host, `550 5.4.4 ${host}, a mail exchanger of ${domain}, has no address`);
  }
  // Where the config says where a host is, that is so.
  const isGiven = hostsEntry(book, host) !== undefined;
  const addresses = found.addresses.filter((address) => isGiven || !question.isOwnPlace(address));
  return addresses.length === 0 ? { kind: 'us' } : { kind: 'host', host, addresses };
}

function unanswered(host: string, code: string): NoExchanger {
  return { kind: 'none', host, isCertain: false, reply: `451 4.4.3 DNS does not answer for ${host} (${code})` };
}

function loop(domain: string): NoExchanger {
  return none(domain, `550 5.4.6 Mail for ${domain} would come back to this server, which is what DNS names for it`);
}

function none(host: string, reply: string): NoExchanger {
  return { kind: 'none', host, isCertain: true, reply };
}
