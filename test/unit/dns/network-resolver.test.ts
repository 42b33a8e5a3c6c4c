// c-ares against a name server that says what the test wants, over real UDP and TCP.

import { afterEach, describe, expect, it } from 'vitest';
import { NetworkResolver } from '../../../src/dns/network-resolver.ts';
import { type DnsScript, DnsServer, RCODE, type Zone } from '../../helpers/dns-server.ts';

const servers: DnsServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(script: DnsScript | Zone): Promise<DnsServer> {
  const server = await DnsServer.open(script);
  servers.push(server);
  return server;
}

function ask(timeoutMs: number, ...asked: readonly DnsServer[]): NetworkResolver {
  return new NetworkResolver({ servers: asked.map(({ address }) => address), timeoutMs });
}

const LONG_MS = 60_000;

describe('mailExchangers', () => {
  it.each<[string, Zone, unknown]>([
    [
      'MX records',
      { 'a.test': { MX: ['20 mx2.a.test', '10 mx1.a.test'] } },
      {
        kind: 'found',
        records: [
          { exchange: 'mx2.a.test', preference: 20 },
          { exchange: 'mx1.a.test', preference: 10 },
        ],
      },
    ],
    ['a null MX', { 'a.test': { MX: ['0 .'] } }, { kind: 'found', records: [{ exchange: '', preference: 0 }] }],
    ['a name without MX', { 'a.test': { A: ['192.0.2.1'] } }, { kind: 'no-data' }],
    ['a name that does not exist', {}, { kind: 'no-name' }],
    ['SERVFAIL', { 'a.test': { code: RCODE.serverFailure } }, { kind: 'failed', code: 'ESERVFAIL' }],
    ['REFUSED', { 'a.test': { code: RCODE.refused } }, { kind: 'failed', code: 'EREFUSED' }],
    [
      'an alias that the server follows',
      { 'a.test': { CNAME: 'b.test' }, 'b.test': { MX: ['10 mx.b.test'] } },
      { kind: 'found', records: [{ exchange: 'mx.b.test', preference: 10 }] },
    ],
    ['an alias of nothing', { 'a.test': { CNAME: 'b.test' }, 'b.test': { code: RCODE.noName } }, { kind: 'no-name' }],
    [
      'aliases in a circle',
      { 'a.test': { CNAME: 'b.test' }, 'b.test': { CNAME: 'a.test' } },
      { kind: 'failed', code: 'ECNAMELOOP' },
    ],
  ])('reads %s', async (_what, zone, expected) => {
    await expect(ask(LONG_MS, await serve(zone)).mailExchangers('a.test')).resolves.toEqual(expected);
  });

  it('follows an alias that the server gives and does not follow itself', async () => {
    const server = await serve(({ name, type }) => {
      if (name === 'b.test') {
        const data = { preference: 10, exchange: 'mx.b.test' };
        return { records: type === 'MX' ? [{ type, name, ttl: 60, data }] : [] };
      }
      return { records: [{ type: 'CNAME', name, ttl: 60, data: 'b.test' }] };
    });
    await expect(ask(LONG_MS, server).mailExchangers('a.test')).resolves.toEqual({
      kind: 'found',
      records: [{ exchange: 'mx.b.test', preference: 10 }],
    });
  });

  it('gives up on a chain of aliases without end', async () => {
    const server = await serve(({ name }) => {
      const number = Number(/\d+/.exec(name)?.[0] ?? 0);
      return { records: [{ type: 'CNAME', name, ttl: 60, data: `n${number + 1}.test` }] };
    });
    await expect(ask(LONG_MS, server).mailExchangers('n0.test')).resolves.toEqual({
      kind: 'failed',
      code: 'ECNAMELOOP',
    });
    expect(server.queries.length).toBeLessThan(40);
  });

  it('fetches by TCP what is cut off in UDP', async () => {
    const many = Array.from({ length: 60 }, (_, index) => `${index} mail-exchanger-${index}.of-a-long-name.test`);
    const whole: Zone = { 'big.test': { MX: many } };
    const server = await serve(whole);
    const answer = server.script;
    server.script = (query) => (query.transport === 'udp' ? { records: [], truncated: true } : answer(query));
    const found = await ask(LONG_MS, server).mailExchangers('big.test');
    expect(found.kind === 'found' && found.records.map(({ preference }) => preference)).toEqual(
      Array.from(many, (_, index) => index),
    );
    expect(server.queries.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
  });

  it('ends within its time when nobody answers, having asked twice', async () => {
    const server = await serve({ 'a.test': 'silence' });
    await expect(ask(300, server).mailExchangers('a.test')).resolves.toEqual({ kind: 'failed', code: 'ETIMEOUT' });
    expect(server.queries.length).toBe(2);
  });

  it.each(['a..test', `${'a'.repeat(64)}.test`])('knows without asking that %s is no name', async (name) => {
    const server = await serve({});
    await expect(ask(LONG_MS, server).mailExchangers(name)).resolves.toEqual({ kind: 'no-name' });
    expect(server.queries).toEqual([]);
  });

  it('asks the next server when one fails, and one that is silent last from then on', async () => {
    const silent = await serve(() => 'silence');
    const good = await serve({ 'a.test': { MX: ['10 mx.a.test'] }, 'b.test': { MX: ['10 mx.b.test'] } });
    const resolver = ask(300, silent, good);
    for (const name of ['a.test', 'b.test']) {
      await expect(resolver.mailExchangers(name)).resolves.toMatchObject({ kind: 'found' });
    }
    expect(silent.asked('b.test')).toEqual([]);
  });

  it('believes the server that knows, where another one says SERVFAIL', async () => {
    const failing = await serve(() => ({ code: RCODE.serverFailure }));
    const good = await serve({ 'a.test': { MX: ['10 mx.a.test'] } });
    const resolver = ask(LONG_MS, failing, good);
    await expect(resolver.mailExchangers('a.test')).resolves.toMatchObject({ kind: 'found' });
    await expect(resolver.mailExchangers('nowhere.test')).resolves.toEqual({ kind: 'no-name' });
  });
});

describe('addresses', () => {
  it.each<[string, Zone[string], unknown]>([
    [
      'both families by turns, for the shortest time',
      { A: ['192.0.2.1', '192.0.2.2', '192.0.2.3'], AAAA: ['2001:db8::1'], ttl: 60 },
      { kind: 'found', records: ['2001:db8::1', '192.0.2.1', '192.0.2.2', '192.0.2.3'], ttlMs: 60_000 },
    ],
    ['IPv4 alone', { A: ['192.0.2.1'] }, { kind: 'found', records: ['192.0.2.1'], ttlMs: 300_000 }],
    ['IPv6 alone', { AAAA: ['2001:db8::1'] }, { kind: 'found', records: ['2001:db8::1'], ttlMs: 300_000 }],
    ['neither', { MX: ['10 mx.test'] }, { kind: 'no-data' }],
    ['SERVFAIL', { code: RCODE.serverFailure }, { kind: 'failed', code: 'ESERVFAIL' }],
  ])('finds %s', async (_what, entry, expected) => {
    const server = await serve({ 'a.test': entry ?? {} });
    await expect(ask(LONG_MS, server).addresses('a.test')).resolves.toEqual(expected);
  });

  it('makes do with one family when the other fails, and not for long', async () => {
    const server = await serve(({ name, type }) =>
      type === 'A' ? { records: [{ type, name, ttl: 300, data: '192.0.2.1' }] } : { code: RCODE.serverFailure },
    );
    await expect(ask(LONG_MS, server).addresses('a.test')).resolves.toEqual({
      kind: 'found',
      records: ['192.0.2.1'],
      ttlMs: 0,
    });
  });

  it('is not sure that there is nothing when one family fails', async () => {
    const server = await serve(({ type }) => (type === 'A' ? { records: [] } : { code: RCODE.serverFailure }));
    await expect(ask(LONG_MS, server).addresses('a.test')).resolves.toEqual({ kind: 'failed', code: 'ESERVFAIL' });
  });

  it('says that there is no such name', async () => {
    await expect(ask(LONG_MS, await serve({})).addresses('a.test')).resolves.toEqual({ kind: 'no-name' });
  });

  it('waits for a slow name without holding up another', async () => {
    const released = Promise.withResolvers<void>();
    const answer = { records: [] };
    const server = await serve(async ({ name }) => {
      if (name === 'slow.test') await released.promise;
      return answer;
    });
    const resolver = ask(LONG_MS, server);
    const slow = resolver.addresses('slow.test');
    await expect(resolver.addresses('quick.test')).resolves.toEqual({ kind: 'no-data' });
    released.resolve();
    await expect(slow).resolves.toEqual({ kind: 'no-data' });
  });
});
