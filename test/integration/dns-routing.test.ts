// A real Hub and a real Edge whose connector to the Internet is as the subscription made it: the Edge asks a scripted name
// server and delivers to mail exchangers that stand for the Internet.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OutputRecord } from '../../src/cmdlets/output.ts';
import { type DnsReply, DnsServer, RCODE, zone } from '../helpers/dns-server.ts';
import { INSIDER, writeLetter } from '../helpers/relaying.ts';
import { openScriptedServer, type ScriptedServer } from '../helpers/scripted-smtp-server.ts';
import { eventually, Servers } from '../helpers/servers.ts';
import { Sink, type SunkMessage } from '../helpers/sink.ts';
import { submit } from '../helpers/submit.ts';

const LIMIT = { timeout: 300_000 };
const MX = ['10 mx1.remote.test', '20 mx2.remote.test'];

/** What a test may still change. */
const changing: Record<string, DnsReply> = {};

const answer = zone({
  'remote.test': { MX },
  'mx1.remote.test': { A: ['127.0.0.1'] },
  'mx2.remote.test': { AAAA: ['::1'], A: ['127.0.0.1'] },
  'six.test': { MX: ['10 mx6.remote.test'] },
  'mx6.remote.test': { AAAA: ['::1'] },
  'xn--bcher-kva.test': { CNAME: 'remote.test' },
  'big.test': { MX },
  'null.test': { MX: ['0 .'] },
  'loop.test': { MX: ['10 edge01.perimeter.test'] },
  'loopback.test': { A: ['127.0.0.1'] },
  'slow.test': 'silence',
});

let dns: DnsServer;
let inside: Sink;
let servers: Servers;
let mx1: ScriptedServer;
let mx2: Sink;
let mx6: Sink;

beforeAll(async () => {
  mx1 = await openScriptedServer({ greeting: '554 5.3.2 No service here' });
  [inside, mx2, mx6] = await Promise.all([Sink.open(), Sink.open(), Sink.open({ host: '::1' })]);
  dns = await DnsServer.open((query) => {
    if (query.name === 'big.test' && query.transport === 'udp') return { records: [], truncated: true };
    return changing[query.name] ?? answer(query);
  });
  servers = await Servers.prepare();
  servers.configureBoth({
    deliver: `smtp:127.0.0.1:${inside.port}`,
    edgeExtra: {
      // Long enough for a name that nobody answers for to be waited for during all of these tests.
      dns: { servers: [dns.address], timeout: '10m' },
      hosts: {
        'hub01.corp.test': `127.0.0.1:${servers.ports.hub}`,
        // Their ports; where they are, DNS says.
        'mx1.remote.test': `mx1.remote.test:${mx1.port}`,
        'mx2.remote.test': `mx2.remote.test:${mx2.port}`,
        'mx6.remote.test': `mx6.remote.test:${mx6.port}`,
      },
    },
  });
  await Promise.all([servers.start('hub'), servers.start('edge')]);
  await servers.ask('hub', 'New-AcceptedDomain', { Name: 'contoso.test', DomainName: 'contoso.test' });
  await servers.subscribe();
  await servers.ask('hub', 'Start-EdgeSynchronization');
}, LIMIT.timeout);

afterAll(async () => {
  await servers[Symbol.asyncDispose]();
  await Promise.all([dns.close(), inside.close(), mx1.close(), mx2.close(), mx6.close()]);
});

/** Hands a letter in at the Hub; gives back its Message-ID. */
async function send(...to: readonly string[]): Promise<string> {
  const { messageId, content } = writeLetter(`for ${to.join(' and ')}`);
  const { isAccepted, reply } = await submit({ port: servers.ports.hub, from: INSIDER, to: [...to], content });
  expect(isAccepted, reply).toBe(true);
  return messageId;
}

function queueFor(domain: string): Promise<OutputRecord> {
  return eventually(`the queue for ${domain}`, async () => {
    const queues = await servers.ask('edge', 'Get-Queue');
    return queues.find((queue) => queue['NextHopDomain'] === domain);
  });
}

function edgeCard(messageId: string, outcome: string): Promise<Record<string, unknown>> {
  return eventually(`"${outcome}" of ${messageId}`, () =>
    servers
      .cards('edge')
      .find((card) => card['side'] === 'sender' && card['messageId'] === messageId && card['outcome'] === outcome),
  );
}

/** The report on a letter that came back to its sender. */
async function reportOn(messageId: string): Promise<SunkMessage> {
  const find = (): SunkMessage | undefined =>
    inside.messages.find(({ reversePath, content }) => reversePath === '' && content.includes(messageId));
  await inside.waitFor(() => find() !== undefined);
  const report = find();
  if (!report) throw new Error('waitFor has lied');
  return report;
}

describe('an Edge that routes by DNS', () => {
  it('delivers to the next exchanger when the best one greets with 554', LIMIT, async () => {
    const messageId = await send('anna@remote.test');
    const { content } = await mx2.messageFor('anna@remote.test');
    expect(content.toString()).toContain(messageId);
    expect(mx1.peers.length).toBeGreaterThan(0);
    expect(await edgeCard(messageId, 'delivered')).toMatchObject({
      connector: 'EdgeSync - Default-First-Site-Name to Internet',
      peer: { name: 'mx2.remote.test', address: '127.0.0.1', port: mx2.port },
      passedOver: [{ peer: 'mx1.remote.test', detail: expect.stringContaining('554 5.3.2 No service here') }],
    });
    expect(await queueFor('remote.test')).toMatchObject({
      DeliveryType: 'DnsConnectorDelivery',
      NextHopCategory: 'External',
      NextHopConnector: 'EdgeSync - Default-First-Site-Name to Internet',
    });
  });

  it('delivers to an exchanger that has IPv6 alone', LIMIT, async () => {
    const messageId = await send('anna@six.test');
    await mx6.messageFor('anna@six.test');
    expect(await edgeCard(messageId, 'delivered')).toMatchObject({
      peer: { name: 'mx6.remote.test', address: '::1', port: mx6.port },
    });
    expect(dns.asked('mx6.remote.test', 'AAAA')).toHaveLength(1);
  });

  it('asks for an internationalised name as A-labels and follows its alias', LIMIT, async () => {
    const messageId = await send('anna@xn--bcher-kva.test');
    await mx2.messageFor('anna@xn--bcher-kva.test');
    await edgeCard(messageId, 'delivered');
    expect(dns.asked('xn--bcher-kva.test', 'MX')).toHaveLength(1);
  });

  it('fetches by TCP what UDP has no room for', LIMIT, async () => {
    await send('anna@big.test');
    await mx2.messageFor('anna@big.test');
    expect(dns.asked('big.test', 'MX').map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
  });

  it.each([
    ['takes no mail', 'null.test', '5.1.10', '556 5.1.10 The domain null.test takes no mail'],
    ['does not exist', 'nowhere.test', '5.1.2', '550 5.1.2 The domain nowhere.test does not exist'],
    ['has this Edge as its exchanger', 'loop.test', '5.4.6', '550 5.4.6 Mail for loop.test would come back'],
    ['has the address of whoever asks', 'loopback.test', '5.4.6', '550 5.4.6 Mail for loopback.test would come back'],
  ])('returns mail for a domain that %s', LIMIT, async (_what, domain, status, reply) => {
    const messageId = await send(`anna@${domain}`);
    const report = (await reportOn(messageId)).content.toString().replaceAll(/\r\n[ \t]+/g, ' ');
    expect(report).toContain(`Final-Recipient: rfc822; anna@${domain}`);
    expect(report).toContain(`Status: ${status}\r\n`);
    expect(report).toContain(reply);
    expect(report).not.toContain('Remote-MTA');
  });

  it('goes on delivering while nobody answers for one name, and loses neither', LIMIT, async () => {
    const slow = await send('anna@slow.test', 'carl@remote.test');
    await mx2.messageFor('carl@remote.test');
    await eventually('a question about slow.test', () => (dns.asked('slow.test').length > 0 ? true : undefined));
    for (const name of ['dora', 'emil', 'fritz']) {
      await send(`${name}@remote.test`);
      await mx2.messageFor(`${name}@remote.test`);
    }
    expect(await queueFor('slow.test')).toMatchObject({ Status: 'Connecting', MessageCount: 1 });
    expect(mx2.messages.filter(({ content }) => content.includes(slow))).toHaveLength(1);
  });

  it('keeps mail for a domain whose name servers fail, until they do not', LIMIT, async () => {
    changing['broken.test'] = { code: RCODE.serverFailure };
    const messageId = await send('anna@broken.test');
    const deferred = await edgeCard(messageId, 'deferred');
    expect(deferred).toMatchObject({ detail: '451 4.4.3 DNS does not answer for broken.test (ESERVFAIL)' });
    expect(await queueFor('broken.test')).toMatchObject({ MessageCount: 1 });
    // An alias that the server leaves to whoever asks.
    changing['broken.test'] = { records: [{ type: 'CNAME', name: 'broken.test', ttl: 60, data: 'remote.test' }] };
    await mx2.messageFor('anna@broken.test');
    expect(inside.messages.filter(({ content }) => content.includes(messageId))).toEqual([]);
  });
});
