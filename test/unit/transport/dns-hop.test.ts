// A domain that DNS routes, over real sockets: which of its exchangers gets the message, and what ends the search.

import { Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DnsAnswer, MailExchanger } from '../../../src/dns/resolver.ts';
import { silentLog } from '../../../src/log.ts';
import { createSelfSigned } from '../../../src/tls/self-signed.ts';
import { openHop } from '../../../src/transport/deliver.ts';
import type { DeliveryContext } from '../../../src/transport/delivery-context.ts';
import type { Hop, HopConnection, OpenedHop, RecipientOutcome } from '../../../src/transport/hop.ts';
import { LoadBalance, SHUN_MS } from '../../../src/transport/load-balance.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { makeMessage } from '../../helpers/queue-fixtures.ts';
import { openScriptedServer, type ScriptedServer, type SmtpScript } from '../../helpers/scripted-smtp-server.ts';
import { makeOrganisation } from './organisation-fixtures.ts';

const servers: ScriptedServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(script: SmtpScript = {}): Promise<ScriptedServer> {
  const server = await openScriptedServer(script);
  servers.push(server);
  return server;
}

/** Exchangers in the order of their preferences, each at the port of its server. */
class World {
  readonly clock = new HandClock(new Date('2026-01-01T00:00:00Z'));
  readonly hosts: Record<string, { host: string; port: number }> = {};
  mx: DnsAnswer<MailExchanger> = { kind: 'no-name' };
  addresses: Record<string, DnsAnswer<string>> = {};

  static of(exchangers: Record<string, ScriptedServer>, preferences: readonly number[] = [10, 20, 30]): World {
    const world = new World();
    const names = Object.keys(exchangers);
    world.mx = {
      kind: 'found',
      records: names.map((exchange, index) => ({ exchange, preference: preferences[index] ?? 99 })),
    };
    for (const [name, { port }] of Object.entries(exchangers)) world.hosts[name] = { host: '127.0.0.1', port };
    return world;
  }

  readonly #context: DeliveryContext = {
    clock: this.clock,
    log: silentLog(),
    organisation: () => makeOrganisation({ role: 'edge', fqdn: 'edge01.perimeter.test' }),
    addressBook: {
      hosts: this.hosts,
      resolver: {
        mailExchangers: () => Promise.resolve(this.mx),
        addresses: (name) => Promise.resolve(this.addresses[name] ?? { kind: 'no-name' }),
      },
    },
    ownKeyPair: () => undefined,
    handshakeTimeoutMs: 5000,
    balance: new LoadBalance({ clock: this.clock, random: () => 0 }),
    random: () => 0.999,
    isOwnPlace: () => false,
  };

  open(given: Partial<Extract<Hop, { kind: 'dns' }>> = {}, hasWaited = false): Promise<OpenedHop> {
    const hop: Hop = {
      kind: 'dns',
      key: 'dns:internet:a.test',
      deliveryType: 'DnsConnectorDelivery',
      nextHopDomain: 'a.test',
      domain: 'a.test',
      connector: 'To the Internet',
      stance: 'opportunistic',
      port: 25,
      name: 'edge01.perimeter.test',
      ...given,
    };
    return openHop(this.#context, hop, hasWaited);
  }
}

function connectionOf(opened: OpenedHop): HopConnection {
  if (opened.kind !== 'ready') throw new Error(opened.reply);
  return opened.connection;
}

/** Hands a message for anna and bob over, and takes leave. */
async function deliver(opened: OpenedHop): Promise<readonly RecipientOutcome[]> {
  const connection = connectionOf(opened);
  const openBody = (): Readable => Readable.from([Buffer.from('Subject: x\r\n\r\nbody\r\n')]);
  const outcomes = await connection.deliver({ message: makeMessage(1), indexes: [0, 1], openBody });
  await connection.close();
  return outcomes;
}

describe('a hop that DNS routes', () => {
  it('delivers to the best exchanger and leaves the others alone', async () => {
    const [first, second] = [await serve(), await serve()];
    const opened = await World.of({ 'mx1.test': first, 'mx2.test': second }).open();
    expect((await deliver(opened)).map(({ status }) => status)).toEqual(['delivered', 'delivered']);
    expect([first.bodies.length, second.peers.length]).toEqual([1, 0]);
    expect(connectionOf(opened).facts.peer).toMatchObject({ name: 'mx1.test', port: first.port });
  });

  it('carries several messages of the domain over one connection', async () => {
    const server = await serve();
    const connection = connectionOf(await World.of({ 'mx1.test': server }).open());
    for (const id of [1, 2, 3]) {
      const openBody = (): Readable => Readable.from([Buffer.from('Subject: x\r\n\r\nbody\r\n')]);
      await connection.deliver({ message: makeMessage(id), indexes: [0], openBody });
    }
    await connection.close();
    expect([server.peers.length, server.bodies.length]).toEqual([1, 3]);
  });

  it.each<[string, SmtpScript]>([
    ['greets with 554', { greeting: '554 5.3.2 No service here' }],
    ['greets with 421', { greeting: '421 4.3.2 Later' }],
    ['refuses EHLO for good', { answers: { EHLO: '550 5.7.1 Not you', HELO: '550 5.7.1 Not you' } }],
    ['refuses EHLO for now', { answers: { EHLO: '421 4.7.0 Later' } }],
    ['hangs up at once', { greeting: '', answers: {} }],
  ])('goes on to the next exchanger when one %s', async (what, script) => {
    const bad = await serve(script);
    const good = await serve();
    const opening = World.of({ 'mx1.test': bad, 'mx2.test': good }).open();
    if (what === 'hangs up at once') {
      await vi.waitUntil(() => bad.peers.length > 0, { timeout: 30_000 });
      bad.peers[0]?.hangUp();
    }
    const opened = await opening;
    expect(connectionOf(opened).facts).toMatchObject({
      peer: { name: 'mx2.test' },
      passedOver: [{ facts: { peer: { name: 'mx1.test' } } }],
    });
    expect((await deliver(opened)).map(({ status }) => status)).toEqual(['delivered', 'delivered']);
    expect(good.bodies.length).toBe(1);
  });

  it.each<[string, SmtpScript, string]>([
    ['RCPT with 550', { answers: { RCPT: '550 5.1.1 Nobody' } }, 'failed'],
    ['RCPT with 450', { answers: { RCPT: '450 4.2.0 Greylisted' } }, 'deferred'],
    ['MAIL with 550', { answers: { MAIL: '550 5.7.1 Not from you' } }, 'failed'],
    ['MAIL with 451', { answers: { MAIL: '451 4.3.0 Later' } }, 'deferred'],
    ['the dot with 554', { answers: { DOT: '554 5.6.0 Not that' } }, 'failed'],
  ])('takes an answer to %s as it is and asks no other exchanger', async (_what, script, status) => {
    const [first, second] = [await serve(script), await serve()];
    const opened = await World.of({ 'mx1.test': first, 'mx2.test': second }).open();
    expect((await deliver(opened)).map((outcome) => outcome.status)).toEqual([status, status]);
    expect(second.peers.length).toBe(0);
  });

  it('does not bounce for a 5xx to STARTTLS, and goes on in clear', async () => {
    const server = await serve({ keywords: ['STARTTLS'], answers: { STARTTLS: '554 5.7.0 No TLS for you' } });
    const opened = await World.of({ 'mx1.test': server }).open();
    expect((await deliver(opened)).map(({ status }) => status)).toEqual(['delivered', 'delivered']);
    expect(connectionOf(opened).facts).toMatchObject({ channel: 'plaintext', reason: 'starttls-refused' });
  });

  it('finds an exchanger with TLS where the connector requires it', async () => {
    const { privateKeyPem: key, certificate } = await createSelfSigned({
      netbiosName: 'MX2',
      fqdn: 'mx2.test',
      notBefore: new Date(),
    });
    const clear = await serve();
    const secure = await serve({ keywords: ['STARTTLS'], tls: { key, cert: certificate.pem } });
    const world = World.of({ 'mx1.test': clear, 'mx2.test': secure });
    const opened = await world.open({ stance: 'require' });
    expect(connectionOf(opened).facts).toMatchObject({ channel: 'tls', peer: { name: 'mx2.test' } });
    await deliver(opened);
    expect(clear.commands.filter((line) => line.startsWith('MAIL'))).toEqual([]);
  });

  it('tries every address of an exchanger', async () => {
    const server = await serve();
    const world = new World();
    world.mx = { kind: 'found', records: [{ exchange: 'mx1.test', preference: 10 }] };
    // Nobody listens at the first two.
    world.addresses = { 'mx1.test': { kind: 'found', records: ['127.0.0.3', '127.0.0.2', '127.0.0.1'] } };
    const opened = await world.open({ port: server.port });
    expect(connectionOf(opened).facts.peer.address).toBe('127.0.0.1');
    await deliver(opened);
  });

  it('goes back to the best exchanger a minute after it could not be used', async () => {
    const [first, second] = [await serve({ greeting: '421 4.3.2 Later' }), await serve()];
    const world = World.of({ 'mx1.test': first, 'mx2.test': second });
    for (let count = 0; count < 3; count++) await deliver(await world.open());
    expect([first.peers.length, second.peers.length]).toEqual([1, 3]);
    world.clock.advance(SHUN_MS);
    await deliver(await world.open());
    expect(first.peers.length).toBe(2);
  });

  it('waits when no exchanger can be used, with all of them on record', async () => {
    const script = { greeting: '554 5.3.2 No service here' };
    const world = World.of({ 'mx1.test': await serve(script), 'mx2.test': await serve(script) });
    expect(await world.open()).toMatchObject({
      kind: 'deferred',
      reply: expect.stringMatching(/^421 4\.4\.1 Cannot use mx2\.test .*554 5\.3\.2/),
      facts: { passedOver: [{ facts: { peer: { name: 'mx1.test' } } }] },
    });
  });

  it('waits when one exchanger has no address for good and the other is away', async () => {
    const world = World.of({ 'mx1.test': await serve({ greeting: '421 4.3.2 Later' }) });
    world.mx = {
      kind: 'found',
      records: [
        { exchange: 'mx1.test', preference: 10 },
        { exchange: 'gone.test', preference: 20 },
      ],
    };
    expect((await world.open()).kind).toBe('deferred');
  });

  it.each<[string, DnsAnswer<MailExchanger>]>([
    ['SERVFAIL', { kind: 'failed', code: 'ESERVFAIL' }],
    ['silence', { kind: 'failed', code: 'ETIMEOUT' }],
    ['aliases in a circle', { kind: 'failed', code: 'ECNAMELOOP' }],
  ])('waits with 4.4.3 on %s', async (_what, mx) => {
    const world = new World();
    world.mx = mx;
    expect(await world.open()).toMatchObject({ kind: 'deferred', reply: expect.stringMatching(/^451 4\.4\.3 /) });
  });

  it.each<[string, DnsAnswer<MailExchanger>, RegExp]>([
    ['a domain that does not exist', { kind: 'no-name' }, /^550 5\.1\.2 /],
    ['a domain without MX and address', { kind: 'no-data' }, /^550 5\.1\.2 /],
    ['a null MX', { kind: 'found', records: [{ exchange: '', preference: 0 }] }, /^556 5\.1\.10 /],
    [
      'a circle back to this server',
      { kind: 'found', records: [{ exchange: 'Edge01.Perimeter.Test', preference: 0 }] },
      /^550 5\.4\.6 /,
    ],
    [
      'exchangers that do not exist',
      { kind: 'found', records: [{ exchange: 'x.test', preference: 0 }] },
      /^550 5\.4\.4 /,
    ],
  ])('returns mail for %s, in our own words', async (_what, mx, reply) => {
    const world = new World();
    world.mx = mx;
    const opened = await world.open();
    const failed = { status: 'failed', reply: expect.stringMatching(reply), isLocal: true };
    expect(await deliver(opened)).toEqual([
      { index: 0, ...failed },
      { index: 1, ...failed },
    ]);
    expect(connectionOf(opened)).toMatchObject({
      alive: true,
      facts: { channel: 'none', reason: 'connection-failed' },
    });
  });
});

describe('a smart host given by name', () => {
  function smartHost(host: string): Partial<Extract<Hop, { kind: 'dns' }>> {
    return { kind: 'smart-host', hosts: [host], key: 'connector:1' } as unknown as Partial<
      Extract<Hop, { kind: 'dns' }>
    >;
  }

  it('is looked up as a domain is: MX first', async () => {
    const [first, second] = [await serve({ greeting: '421 4.3.2 Later' }), await serve()];
    const opened = await World.of({ 'mx1.test': first, 'mx2.test': second }).open(smartHost('relay.test'));
    await deliver(opened);
    expect([connectionOf(opened).facts.peer.name, second.bodies.length]).toEqual(['mx2.test', 1]);
  });

  it.each<[string, DnsAnswer<MailExchanger>]>([
    ['does not exist', { kind: 'no-name' }],
    ['takes no mail', { kind: 'found', records: [{ exchange: '', preference: 0 }] }],
  ])('keeps the mail when it %s: an administrator has to see to it', async (_what, mx) => {
    const world = new World();
    world.mx = mx;
    expect(await world.open(smartHost('relay.test'))).toMatchObject({
      kind: 'deferred',
      reply: expect.stringMatching(/^451 4\.4\.0 The smart host relay\.test cannot be found; add it to DNS/),
    });
  });

  it('may be this machine', async () => {
    const server = await serve();
    const world = new World();
    world.mx = { kind: 'no-data' };
    world.addresses = { 'edge01.perimeter.test': { kind: 'found', records: ['127.0.0.1'] } };
    await deliver(await world.open({ ...smartHost('edge01.perimeter.test'), port: server.port }));
    expect(server.bodies.length).toBe(1);
  });
});
