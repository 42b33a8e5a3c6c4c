// The system's own table of hosts in front of a resolver: c-ares does not look there when it is asked for a record, and an
// Edge in a perimeter often has nothing else that knows the inside. Mail exchangers are none of its business.

import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { Resolver } from './resolver.ts';

/** `path` is read at each question that comes so far; a cache belongs in front. */
export function withHostsFile(resolver: Resolver, path = '/etc/hosts'): Resolver {
  return {
    mailExchangers: (name) => resolver.mailExchangers(name),
    addresses: async (name) => {
      const text = await readFile(path, 'utf8').catch(() => '');
      const records = addressesIn(text, name);
      return records.length > 0 ? { kind: 'found', records, ttlMs: 0 } : resolver.addresses(name);
    },
  };
}

/** The addresses of a name in a hosts(5) file, in the order of its lines. */
export function addressesIn(text: string, name: string): readonly string[] {
  const wanted = name.toLowerCase();
  return text.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return isIP(address) !== 0 && names.some((each) => each.toLowerCase() === wanted) ? [address] : [];
  });
}
