// From a host's name to addresses: the config's hosts table first (address and port), then an address literal, then A and AAAA.
// A Resolver is handed in, so that tests and the lab can stand in for the network. Mail exchangers are mail-exchangers.ts'.

import { isIP } from 'node:net';
import type { Endpoint } from '../config.ts';
import type { Resolver } from '../dns/resolver.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
  /** For SNI and the record; the name that was asked for. */
  readonly name: string;
}

export interface AddressBook {
  readonly hosts: Readonly<Record<string, Endpoint>>;
  readonly resolver: Resolver;
}

export type FoundAddresses =
  | { readonly kind: 'found'; readonly addresses: readonly Address[] }
  | {
      readonly kind: 'unknown';
      /** What was asked for in DNS. */
      readonly name: string;
      /** There is none until DNS is changed; otherwise nobody knows now. */
      readonly isCertain: boolean;
      /** As in `DnsAnswer`. */
      readonly code: string;
    };

/** Every address to try for a host, in order. */
export async function findAddresses(book: AddressBook, host: string, port: number): Promise<FoundAddresses> {
  const name = host.replace(/^\[(?:IPv6:)?(.*)\]$/i, '$1').replace(/\.$/, '');
  const entry = hostsEntry(book, name);
  if (entry && isIP(entry.host)) return found([entry.host], { name, port: entry.port });
  if (isIP(name)) return found([name], { name, port });
  const asked = entry?.host ?? name;
  const answer = await book.resolver.addresses(asked);
  if (answer.kind === 'found') return found(answer.records, { name, port: entry?.port ?? port });
  if (answer.kind === 'failed') return { kind: 'unknown', name: asked, isCertain: false, code: answer.code };
  const code = answer.kind === 'no-name' ? 'ENOTFOUND' : 'ENODATA';
  return { kind: 'unknown', name: asked, isCertain: true, code };
}

/** What the config says of a name, which nothing else is asked about then. */
export function hostsEntry({ hosts }: AddressBook, name: string): Endpoint | undefined {
  return Object.entries(hosts).find(([candidate]) => candidate.toLowerCase() === name.toLowerCase())?.[1];
}

/** What to tell an administrator who named a host that is not known. */
export function explainUnknown({ name, code }: Extract<FoundAddresses, { kind: 'unknown' }>): string {
  return `no address is known for ${name} (${code}): add it to DNS or to "hosts" in the config`;
}

function found(hosts: readonly string[], { name, port }: { name: string; port: number }): FoundAddresses {
  return { kind: 'found', addresses: hosts.map((host) => ({ host, port, name })) };
}
