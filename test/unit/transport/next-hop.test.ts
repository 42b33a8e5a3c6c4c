import { describe, expect, it } from 'vitest';
import { findAddresses, type Resolver } from '../../../src/transport/next-hop.ts';

const HOSTS = {
  'edge01.perimeter.test': { host: '127.0.0.1', port: 2526 },
  'alias.test': { host: 'real.test', port: 2600 },
};

const resolve: Resolver = (name) => {
  if (name === 'real.test') return Promise.resolve(['2001:db8::1', '192.0.2.1']);
  if (name === 'empty.test') return Promise.resolve([]);
  return Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
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
  ])('finds %s', async (host, expected) => {
    await expect(findAddresses({ hosts: HOSTS, resolve }, host, 25)).resolves.toEqual(expected);
  });

  it.each([
    ['empty.test', 'no address is known for empty.test: add it'],
    ['nowhere.test', 'no address is known for nowhere.test (ENOTFOUND): add it'],
  ])('says what to do about %s', async (host, sentence) => {
    await expect(findAddresses({ hosts: HOSTS, resolve }, host, 25)).rejects.toMatchObject({
      code: 'host-not-found',
      message: expect.stringContaining(sentence),
    });
  });
});
