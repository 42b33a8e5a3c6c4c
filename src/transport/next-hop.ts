// From a name to addresses: the config's hosts table first (address and port), then an address literal, then A and AAAA.
// MX comes with DNS routing. A Resolver is handed in, so that tests and the lab can stand in for the network.

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Endpoint } from '../config.ts';
import { Problem } from '../problem.ts';

/** Addresses of a host name, A and AAAA. Rejects like node:dns does. */
export type Resolver = (name: string) => Promise<readonly string[]>;

export const systemResolver: Resolver = async (name) => {
  const found = await lookup(name, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
};

export interface Address {
  readonly host: string;
  readonly port: number;
  /** For SNI and the record; the name that was asked for. */
  readonly name: string;
}

export interface AddressBook {
  readonly hosts: Readonly<Record<string, Endpoint>>;
  readonly resolve: Resolver;
}

/** Every address to try for a host, in order; throws Problem `host-not-found` (try again later) when there is none. */
export async function findAddresses(book: AddressBook, host: string, port: number): Promise<readonly Address[]> {
  const name = host.replace(/^\[(?:IPv6:)?(.*)\]$/i, '$1').replace(/\.$/, '');
  const entry = Object.entries(book.hosts).find(([candidate]) => candidate.toLowerCase() === name.toLowerCase())?.[1];
  if (entry && isIP(entry.host)) return [{ host: entry.host, port: entry.port, name }];
  if (isIP(name)) return [{ host: name, port, name }];
  const asked = entry?.host ?? name;
  const addresses = await resolveOrRefuse(book.resolve, asked);
  return addresses.map((address) => ({ host: address, port: entry?.port ?? port, name }));
}

async function resolveOrRefuse(resolve: Resolver, name: string): Promise<readonly string[]> {
  try {
    const addresses = await resolve(name);
    if (addresses.length > 0) return addresses;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'no answer';
    throw new Problem(
      'host-not-found',
      `no address is known for ${name} (${code}): add it to DNS or to "hosts" in the config`,
    );
  }
  throw new Problem('host-not-found', `no address is known for ${name}: add it to DNS or to "hosts" in the config`);
}
