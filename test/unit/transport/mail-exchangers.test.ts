// Whom to try for a domain, from answers of DNS as values.

import { describe, expect, it } from 'vitest';
import type { DnsAnswer, MailExchanger } from '../../../src/dns/resolver.ts';
import {
  type ExchangerQuestion,
  findExchangers,
  MAX_ADDRESSES,
  MAX_ADDRESSES_OF_HOST,
} from '../../../src/transport/mail-exchangers.ts';

interface Names {
  /** "10 mx.test" */
  readonly mx?: Readonly<Record<string, readonly string[] | 'no-data' | 'no-name' | 'failed'>>;
  readonly addresses?: Readonly<Record<string, readonly string[] | 'no-data' | 'failed'>>;
}

function answer<T>(given: readonly T[] | 'no-data' | 'no-name' | 'failed' | undefined): DnsAnswer<T> {
  if (given === 'failed') return { kind: 'failed', code: 'ESERVFAIL' };
  if (given === undefined || typeof given === 'string') return { kind: given ?? 'no-name' };
  return { kind: 'found', records: given };
}

/** Every name that was asked for. */
const asked: string[] = [];

function question(names: Names, given: Partial<ExchangerQuestion> & { hosts?: Record<string, string> } = {}) {
  asked.length = 0;
  const { hosts = {}, ...rest } = given;
  const entries = Object.entries(hosts).map(([name, host]) => [name, { host, port: 2525 }]);
  return {
    book: {
      hosts: Object.fromEntries(entries),
      resolver: {
        mailExchangers: (name: string): Promise<DnsAnswer<MailExchanger>> => {
          asked.push(`MX ${name}`);
          const records = names.mx?.[name];
          if (records === undefined || typeof records === 'string') return Promise.resolve(answer(records));
          return Promise.resolve(
            answer(
              records.map((text) => {
                const [preference, exchange = ''] = text.split(' ');
                return { preference: Number(preference), exchange };
              }),
            ),
          );
        },
        addresses: (name: string): Promise<DnsAnswer<string>> => {
          asked.push(name);
          return Promise.resolve(answer(names.addresses?.[name]));
        },
      },
    },
    domain: 'a.test',
    port: 25,
    isOwnName: (host: string) => host === 'us.test',
    isOwnPlace: ({ host }: { host: string }) => host === '127.0.0.1',
    random: () => 0.999,
    standing: { rank: <T>(all: readonly T[]) => all, isShunned: () => false },
    ...rest,
  } satisfies ExchangerQuestion;
}

/** "host address address" for each that may be tried, or the reply, with ! where it is certain. */
async function list(asking: ExchangerQuestion): Promise<string[]> {
  const lines: string[] = [];
  for await (const each of findExchangers(asking)) {
    if (each.kind === 'host') lines.push([each.host, ...each.addresses.map(({ host }) => host)].join(' '));
    else lines.push(`${each.isCertain ? '!' : '?'} ${each.reply}`);
  }
  return lines;
}

describe('findExchangers', () => {
  it('goes by MX: ascending, with every address', async () => {
    const names: Names = {
      mx: { 'a.test': ['20 mx2.test', '10 mx1.test'] },
      addresses: { 'mx1.test': ['2001:db8::1', '192.0.2.1'], 'mx2.test': ['192.0.2.2'], 'a.test': ['192.0.2.9'] },
    };
    expect(await list(question(names))).toEqual(['mx1.test 2001:db8::1 192.0.2.1', 'mx2.test 192.0.2.2']);
    expect(asked).not.toContain('a.test');
  });

  it('looks nothing up that is not needed: not the worse ones while a better one is used', async () => {
    const names: Names = {
      mx: { 'a.test': ['10 mx1.test', '20 mx2.test'] },
      addresses: { 'mx1.test': ['192.0.2.1'], 'mx2.test': ['192.0.2.2'] },
    };
    for await (const first of findExchangers(question(names))) {
      expect(first.host).toBe('mx1.test');
      break;
    }
    expect(asked).toEqual(['MX a.test', 'mx1.test']);
  });

  it.each<[string, Names, readonly string[]]>([
    [
      "the domain's own addresses where there is no MX",
      { mx: { 'a.test': 'no-data' }, addresses: { 'a.test': ['192.0.2.9'] } },
      ['a.test 192.0.2.9'],
    ],
    [
      'an exchanger that has IPv6 alone',
      { mx: { 'a.test': ['10 mx1.test'] }, addresses: { 'mx1.test': ['2001:db8::1'] } },
      ['mx1.test 2001:db8::1'],
    ],
    ['that the domain does not exist', {}, ['! 550 5.1.2 The domain a.test does not exist']],
    [
      'that it has neither MX nor address',
      { mx: { 'a.test': 'no-data' }, addresses: { 'a.test': 'no-data' } },
      ['! 550 5.1.2 The domain a.test has neither a mail exchanger nor an address'],
    ],
    [
      'that DNS does not answer for MX, without a look at addresses',
      { mx: { 'a.test': 'failed' }, addresses: { 'a.test': ['192.0.2.9'] } },
      ['? 451 4.4.3 DNS does not answer for a.test (ESERVFAIL)'],
    ],
    [
      'that DNS does not answer for the implicit MX',
      { mx: { 'a.test': 'no-data' }, addresses: { 'a.test': 'failed' } },
      ['? 451 4.4.3 DNS does not answer for a.test (ESERVFAIL)'],
    ],
    [
      'that it takes no mail, in spite of its address',
      { mx: { 'a.test': ['0 '] }, addresses: { 'a.test': ['192.0.2.9'] } },
      ['! 556 5.1.10 The domain a.test takes no mail: it has a null MX'],
    ],
    [
      'who is left when one exchanger has no address',
      { mx: { 'a.test': ['10 gone.test', '20 mx2.test'] }, addresses: { 'mx2.test': ['192.0.2.2'] } },
      ['! 550 5.4.4 gone.test, a mail exchanger of a.test, has no address', 'mx2.test 192.0.2.2'],
    ],
    [
      'that no exchanger has an address, and no fall back on the domain',
      { mx: { 'a.test': ['10 gone.test'] }, addresses: { 'a.test': ['192.0.2.9'] } },
      ['! 550 5.4.4 gone.test, a mail exchanger of a.test, has no address'],
    ],
    [
      'that one exchanger may come back',
      { mx: { 'a.test': ['10 gone.test', '20 mx2.test'] }, addresses: { 'mx2.test': 'failed' } },
      [
        '! 550 5.4.4 gone.test, a mail exchanger of a.test, has no address',
        '? 451 4.4.3 DNS does not answer for mx2.test (ESERVFAIL)',
      ],
    ],
    [
      'that an exchanger that is an address is none',
      { mx: { 'a.test': ['10 192.0.2.1', '10 [192.0.2.1]'] } },
      ['! 550 5.4.4 No mail exchanger of a.test has a valid name'],
    ],
  ])('says %s', async (_what, names, expected) => {
    expect(await list(question(names))).toEqual(expected);
  });

  const LOOP = '! 550 5.4.6 Mail for a.test would come back to this server, which is what DNS names for it';

  it.each<[string, Names, readonly string[]]>([
    [
      'by name, with what is no better',
      {
        mx: { 'a.test': ['10 mx1.test', '20 us.test', '20 mx2.test'] },
        addresses: { 'mx1.test': ['192.0.2.1'], 'mx2.test': ['192.0.2.2'] },
      },
      ['mx1.test 192.0.2.1', LOOP],
    ],
    [
      'by address, with what is no better',
      {
        mx: { 'a.test': ['10 mx1.test', '20 mx2.test', '20 nick.test', '30 mx3.test'] },
        addresses: {
          'mx1.test': ['192.0.2.1'],
          'mx2.test': ['192.0.2.2'],
          'nick.test': ['127.0.0.1'],
          'mx3.test': ['192.0.2.3'],
        },
      },
      ['mx1.test 192.0.2.1', LOOP],
    ],
    ['as the only exchanger', { mx: { 'a.test': ['10 us.test'] } }, [LOOP]],
    ['as the implicit MX', { mx: { 'a.test': 'no-data' }, addresses: { 'a.test': ['127.0.0.1'] } }, [LOOP]],
    [
      'as one address of several, which is left out',
      { mx: { 'a.test': ['10 mx1.test'] }, addresses: { 'mx1.test': ['127.0.0.1', '192.0.2.1'] } },
      ['mx1.test 192.0.2.1'],
    ],
  ])('does not send to this server itself: %s', async (_what, names, expected) => {
    expect(await list(question(names))).toEqual(expected);
  });

  it('does not send to itself as the domain', async () => {
    expect(await list(question({ mx: { 'us.test': 'no-data' } }, { domain: 'us.test' }))).toEqual([
      '! 550 5.4.6 Mail for us.test would come back to this server, which is what DNS names for it',
    ]);
  });

  it.each([
    ['[192.0.2.7]', '192.0.2.7'],
    ['[ipv6:2001:db8::7]', '2001:db8::7'],
  ])('dials the address literal %s and asks nobody', async (domain, address) => {
    expect(await list(question({}, { domain }))).toEqual([`${domain} ${address}`]);
    expect(asked).toEqual([]);
  });

  it("takes the config's word for a domain, and for an exchanger, be it this machine", async () => {
    const hosts = { 'a.test': '127.0.0.1', 'mx1.test': 'mx1.test' };
    expect(await list(question({}, { hosts }))).toEqual(['a.test 127.0.0.1']);
    expect(asked).toEqual([]);
    const names: Names = { mx: { 'b.test': ['10 mx1.test'] }, addresses: { 'mx1.test': ['127.0.0.1'] } };
    expect(await list(question(names, { hosts, domain: 'b.test' }))).toEqual(['mx1.test 127.0.0.1']);
  });

  it('puts whoever could not be used a moment ago behind worse ones', async () => {
    const names: Names = {
      mx: { 'a.test': ['10 mx1.test', '20 mx2.test'] },
      addresses: { 'mx1.test': ['192.0.2.1'], 'mx2.test': ['192.0.2.2'] },
    };
    const standing = { rank: <T>(all: readonly T[]) => all, isShunned: (host: string) => host === 'mx1.test' };
    expect(await list(question(names, { standing }))).toEqual(['mx2.test 192.0.2.2', 'mx1.test 192.0.2.1']);
  });

  it('tries a bounded number of addresses', async () => {
    const many = (network: number): string[] =>
      Array.from({ length: 9 }, (_, index) => `192.0.${network}.${index + 1}`);
    const hosts = Array.from({ length: 8 }, (_, index) => `mx${index}.test`);
    const names: Names = {
      mx: { 'a.test': hosts.map((host, index) => `${index} ${host}`) },
      addresses: Object.fromEntries(hosts.map((host, index) => [host, many(index)])),
    };
    const lines = await list(question(names));
    const counts = lines.map((line) => line.split(' ').length - 1);
    expect(Math.max(...counts)).toBe(MAX_ADDRESSES_OF_HOST);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(MAX_ADDRESSES);
  });
});
