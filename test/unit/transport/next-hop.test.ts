import { describe, expect, it } from 'vitest';
import type { DnsAnswer } from '../../../src/dns/resolver.ts';
import { type AddressBook, explainUnknown, findAddresses } from '../../../src/transport/next-hop.ts';

const HOSTS = {
  'edge01.perimeter.test': { host: '127.0.0.1', port: 2526 },
  'alias.test': { host: 'real.test', port: 2600 },
};

const ANSWERS = new Map<string, DnsAnswer<string>>([
  ['real.test', { kind: 'found', records: ['2001:db8::1', '192.0.2.1'] }],
  ['empty.test', { kind: 'no-data' }],
  ['broken.test', { kind: 'failed', code: 'ESERVFAIL' }],
]);

const BOOK: AddressBook = {
  hosts: HOSTS,
  resolver: {
    mailExchangers: () => Promise.reject(new Error('mail exchangers are not asked for here')),
    addresses: (name) => Promise.resolve(ANSWERS.get(name) ?? { kind: 'no-name' }),
  },
};

describe('findAddresses', () => {
  it.each([
    ['edge01.perimeter.test', [{ host: '127.0.0.1', port: 2526, name: 'edge01.perimeter.test' }]],
    ['EDGE01.Perimeter.test', [{ host: '127.0.0.1', port: 2526, name: 'EDGE01.Perimeter.test' }]],
    ['edge01.perimeter.test.', [{ host: '127.0.0.1', port: 2526, name: 'edge01.perimeter.test' }]],
    ['192.0.2.7', [{ host: '192.0.2.7', port: 25, name: '192.0.2.7' }]],
    ['[192.0.2.7]', [{ host: '192.0.2.7', port: 25, name: '192.0.2.7' }]],
    ['[IPv6:2001:db8::7]', [{ host: '2001:db8::7', port: 25, name: '2001:db8::7' }]],
    [
      'real.test',
      [
        { host: '2001:db8::1', port: 25, name: 'real.test' },
        { host: '192.0.2.1', port: 25, name: 'real.test' },
      ],
    ],
    [
      'alias.test',
      [
        { host: '2001:db8::1', port: 2600, name: 'alias.test' },
        { host: '192.0.2.1', port: 2600, name: 'alias.test' },
      ],
    ],
  ])('finds %s', async (host, addresses) => {
    await expect(findAddresses(BOOK, host, 25)).resolves.toEqual({ kind: 'found', addresses });
  });

  it.each([
    ['empty.test', { isCertain: true, code: 'ENODATA' }],
    ['nowhere.test', { isCertain: true, code: 'ENOTFOUND' }],
    ['constructor', { isCertain: true, code: 'ENOTFOUND' }],
    ['broken.test', { isCertain: false, code: 'ESERVFAIL' }],
  ])('says how certain it is that there is nothing for %s, and what to do', async (host, expected) => {
    const found = await findAddresses(BOOK, host, 25);
    expect(found).toEqual({ kind: 'unknown', name: host, ...expected });
    if (found.kind === 'unknown') {
      expect(explainUnknown(found)).toBe(
        `no address is known for ${host} (${expected.code}): add it to DNS or to "hosts" in the config`,
      );
    }
  });
});
