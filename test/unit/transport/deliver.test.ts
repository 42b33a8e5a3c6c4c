import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/clock.ts';
import type { DeliveryTarget } from '../../../src/config.ts';
import { silentLog } from '../../../src/log.ts';
import { SmtpListener } from '../../../src/smtp/listener.ts';
import type { SpooledMessage } from '../../../src/spool/spool.ts';
import { chooseChunk, openHop, prepend } from '../../../src/transport/deliver.ts';
import { HEADER_FAMILIES } from '../../../src/transport/header-firewall.ts';
import { formatReply, type Hop, type OpenedHop, type Parcel, unreachableHop } from '../../../src/transport/hop.ts';
import { takeIn } from '../../../src/transport/intake.ts';
import { LoadBalance } from '../../../src/transport/load-balance.ts';
import type { DeliveryContext } from '../../../src/transport/delivery-context.ts';
import { makeMessage } from '../../helpers/queue-fixtures.ts';
import { NO_DNS } from '../../helpers/no-dns.ts';
import { PLAIN_OFFER, ScriptedPolicy } from '../../helpers/scripted-policy.ts';
import { openScriptedServer, type ScriptedServer, type SmtpScript } from '../../helpers/scripted-smtp-server.ts';
import { makeOrganisation, makePeer } from './organisation-fixtures.ts';

const servers: { close(): Promise<void> | void }[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(script: SmtpScript = {}): Promise<ScriptedServer> {
  const server = await openScriptedServer(script);
  servers.push(server);
  return server;
}

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function contextFor(hosts: Record<string, number>, given: Partial<DeliveryContext> = {}): DeliveryContext {
  const entries = Object.entries(hosts).map(([name, port]) => [name, { host: '127.0.0.1', port }]);
  return {
    clock: new SystemClock(),
    log: silentLog(),
    organisation: () => makeOrganisation(),
    addressBook: {
      hosts: Object.fromEntries(entries),
      resolver: NO_DNS,
    },
    ownKeyPair: () => undefined,
    handshakeTimeoutMs: 2000,
    balance: new LoadBalance({ clock: new SystemClock(), random: () => 0 }),
    random: () => 0,
    isOwnPlace: () => false,
    ...given,
  };
}

function smartHost(...hosts: string[]): Hop {
  return {
    kind: 'smart-host',
    key: 'k',
    deliveryType: 'SmartHostConnectorDelivery',
    nextHopDomain: hosts.join(';'),
    connector: 'Out',
    hosts,
    stance: 'opportunistic',
    port: 25,
    name: 'edge01.perimeter.test',
  };
}

function pair(...fqdns: string[]): Hop {
  const peers = fqdns.map((fqdn) => makePeer(fqdn));
  return { ...smartHost(), kind: 'pair', peers, stance: 'ignore', port: 25 };
}

function parcelOf(message: SpooledMessage, body = 'Subject: x\r\n\r\nbody\r\n'): Parcel {
  return { message, indexes: [0, 1], openBody: () => Readable.from([Buffer.from(body)]) };
}

function connectionOf(opened: OpenedHop) {
  if (opened.kind !== 'ready') throw new Error(opened.reply);
  return opened.connection;
}

describe('openHop', () => {
  it('delivers through a smart host, a reply for each recipient, and takes leave', async () => {
    const server = await serve({
      answers: { RCPT: (line) => (line.includes('bob') ? '550 5.1.1 who?' : '250 2.1.5 fine') },
    });
    const opened = await openHop(contextFor({ 'smart.test': server.port }), smartHost('smart.test'), false);
    const connection = connectionOf(opened);
    const outcomes = await connection.deliver(parcelOf(makeMessage(1)));
    expect(outcomes).toEqual([
      { index: 0, status: 'delivered', reply: expect.stringMatching(/^250 /), successAction: 'relayed' },
      { index: 1, status: 'failed', reply: '550 5.1.1 who?' },
    ]);
    expect(connection.facts).toMatchObject({
      channel: 'plaintext',
      reason: 'starttls-not-supported',
      peer: { name: 'smart.test' },
    });
    await connection.close();
    expect(connection.alive).toBe(false);
  });

  it('goes on to the next host when one cannot be reached or is not known', async () => {
    const server = await serve();
    const context = contextFor({ 'dead.test': await deadPort(), 'smart.test': server.port });
    const opened = await openHop(context, smartHost('unknown.test', 'dead.test', 'smart.test'), false);
    expect(connectionOf(opened).facts.peer.name).toBe('smart.test');
    await connectionOf(opened).close();
  });

  it.each<[string, (port: number) => Hop, RegExp]>([
    [
      'nobody listens',
      () => smartHost('dead.test'),
      /^421 4\.4\.1 Cannot use dead\.test \(127\.0\.0\.1:\d+\), connect: ECONNREFUSED$/,
    ],
    [
      'the name is not known',
      () => smartHost('unknown.test'),
      /^451 4\.4\.0 The smart host unknown\.test cannot be found; add it to DNS or to "hosts"/,
    ],
    ['there are no hosts', () => smartHost(), /^451 4\.4\.0 No server is known/],
    ['there are no peers', () => pair(), /^451 4\.4\.0 No server is known/],
    [
      'there is no route',
      () => unreachableHop('A matching connector cannot be found'),
      /^451 4\.4\.0 A matching connector cannot be found$/,
    ],
  ])('defers and says why when %s', async (_, hopOf, expected) => {
    const port = await deadPort();
    const opened = await openHop(contextFor({ 'dead.test': port }), hopOf(port), false);
    expect(opened).toMatchObject({
      kind: 'deferred',
      reply: expect.stringMatching(expected),
      facts: { reason: 'connection-failed' },
    });
  });

  it.each(['454 4.7.0 later', '502 5.5.1 no', '554 5.7.3 never'])(
    'does not bounce a message for a STARTTLS that is refused with %s',
    async (answer) => {
      const server = await serve({ keywords: ['STARTTLS'], answers: { STARTTLS: answer } });
      const context = contextFor({ 'one.test': server.port });
      const inClear = connectionOf(await openHop(context, smartHost('one.test'), false));
      expect(inClear.facts).toMatchObject({ reason: 'starttls-refused', channel: 'plaintext' });
      await inClear.close();
      const held = await openHop(context, { ...smartHost('one.test'), stance: 'require' } as Hop, true);
      expect(held).toMatchObject({ kind: 'deferred', reply: expect.stringMatching(/^454 4\.7\.5 starttls-refused/) });
    },
  );

  it('returns a message when every host says 521, that it never takes mail, and waits while one is only away', async () => {
    const server = await serve({ greeting: '521 5.3.2 no mail here' });
    const context = contextFor({ 'one.test': server.port, 'dead.test': await deadPort() });
    const never = connectionOf(await openHop(context, smartHost('one.test'), false));
    const [outcome] = await never.deliver(parcelOf(makeMessage(1)));
    expect(outcome).toMatchObject({ status: 'failed', reply: expect.stringMatching(/^521 5\.3\.2 .*no mail here/) });
    expect(await openHop(context, smartHost('one.test', 'dead.test'), false)).toMatchObject({ kind: 'deferred' });
  });

  it('defers in one line, whatever the peer says', async () => {
    const server = await serve({ greeting: '554-5.3.2 go\r\n554 5.3.2 away' });
    const opened = await openHop(contextFor({ 'smart.test': server.port }), smartHost('smart.test'), false);
    expect(opened).toMatchObject({ kind: 'deferred', reply: expect.stringMatching(/greeting: 554 5\.3\.2 go away$/) });
  });

  it('leaves a member of the pair that it has no credential for, and says so', async () => {
    const ended = Promise.withResolvers<void>();
    const server = await serve({
      keywords: ['AUTH SCRAM-SHA-256'],
      answers: {
        QUIT: () => {
          ended.resolve();
          return '221 bye';
        },
      },
    });
    const opened = await openHop(contextFor({ 'hub01.test': server.port }), pair('hub01.test'), false);
    await ended.promise;
    expect(opened).toMatchObject({
      kind: 'deferred',
      reply: expect.stringContaining('451 5.7.3'),
      facts: { reason: 'authentication-unavailable', channel: 'none' },
    });
  });

  it('leaves reports of success to a hop that takes the wish for one', async () => {
    const server = await serve({ keywords: ['DSN'] });
    const opened = await openHop(contextFor({ 'smart.test': server.port }), smartHost('smart.test'), false);
    const connection = connectionOf(opened);
    const [outcome] = await connection.deliver(parcelOf(makeMessage(1)));
    expect(outcome).toEqual({ index: 0, status: 'delivered', reply: expect.stringMatching(/^250 /) });
    await connection.close();
  });

  it('delivers by LMTP with a reply for each recipient', async () => {
    const server = await serve({ answers: { DOT: '250 2.1.5 for anna\r\n452 4.2.2 full' } });
    const hop: Hop = {
      kind: 'mailbox',
      key: 'm',
      deliveryType: 'SmtpDeliveryToMailbox',
      nextHopDomain: 'x',
      connector: 'Mailbox delivery',
      target: { kind: 'lmtp', host: 'store.test', port: 24 },
    };
    const connection = connectionOf(await openHop(contextFor({ 'store.test': server.port }), hop, false));
    expect(await connection.deliver(parcelOf(makeMessage(1)))).toEqual([
      { index: 0, status: 'delivered', reply: '250 2.1.5 for anna', successAction: 'delivered' },
      { index: 1, status: 'deferred', reply: '452 4.2.2 full' },
    ]);
    await connection.close();
  });

  describe('internal header fields', () => {
    const FIELD = 'X-MS-Exchange-Organization-AuthAs: Internal\r\n';
    const BODY = `Subject: x\r\n${FIELD}\r\n${FIELD}`;
    const REST = `Subject: x\r\n\r\n${FIELD}`;
    const message = makeMessage(1, { traceFields: Buffer.from('Received: here\r\n'), bodySizeBytes: BODY.length });
    const noted = { ...message, envelope: { ...message.envelope, internalFieldsBytes: FIELD.length } };
    const mailbox = (target: DeliveryTarget): Hop => ({ ...smartHost(), kind: 'mailbox', target });

    /** What arrived, and the size that was announced. */
    async function deliver(hop: Hop): Promise<[string, string]> {
      let [arrived, announced] = ['', ''];
      const server = await serve({
        keywords: ['SIZE 1000000'],
        answers: {
          MAIL: (line) => {
            announced = /SIZE=\d+/.exec(line)?.[0] ?? '';
            return '250 fine';
          },
          DATA: async (_, peer) => {
            peer.say('354 go');
            arrived = (await peer.readBody()) ?? '';
            return hop.kind === 'mailbox' ? '250 one\r\n250 two' : '250 taken';
          },
        },
      });
      const connection = connectionOf(await openHop(contextFor({ 'a.test': server.port }), hop, false));
      const outcomes = await connection.deliver(parcelOf(noted, BODY));
      expect(outcomes.map(({ status }) => status)).toEqual(['delivered', 'delivered']);
      await connection.close();
      return [arrived, announced];
    }

    it.each<[string, Hop]>([
      ['a smart host', smartHost('a.test')],
      ['a mailbox store', mailbox({ kind: 'lmtp', host: 'a.test', port: 24 })],
    ])('do not go to %s, and the size is announced without them', async (_, hop) => {
      expect(await deliver(hop)).toEqual([
        `Received: here\r\n${REST}`,
        `SIZE=${'Received: here\r\n'.length + REST.length}`,
      ]);
    });

    it('do not go out in chunks either, whose sizes are those that were measured on the way in', async () => {
      const policy = new ScriptedPolicy({ offered: { ...PLAIN_OFFER, chunking: true, binaryMime: true } });
      const listener = await SmtpListener.open({
        host: '127.0.0.1',
        port: 0,
        fqdn: 'hop.test',
        policy,
        log: silentLog(),
      });
      servers.push(listener);
      const context = contextFor({ 'a.test': listener.address.port });
      const connection = connectionOf(await openHop(context, smartHost('a.test'), false));
      const pieces = fc.array(fc.constantFrom(FIELD, '\r\n', '\r\n', '\r', '\n', ' x', 'A: b\r\n', '\0'), {
        maxLength: 20,
      });
      await fc.assert(
        fc.asyncProperty(pieces, async (texts) => {
          const chunks = texts.map((text) => Buffer.from(text));
          const whole = Buffer.concat(chunks);
          const limits = { maxHeaderBytes: Number.POSITIVE_INFINITY, onProgress: () => undefined };
          const names = { acceptedFamilies: HEADER_FAMILIES, ownName: 'edge01.perimeter.test' };
          const terms = { isPeer: false, ...names, ...limits };
          const { internalFieldsBytes } = await takeIn({ write: async () => {} }, Readable.from([whole]), terms);
          const outcomes = await connection.deliver({
            message: {
              ...message,
              envelope: { ...message.envelope, binaryMime: true, internalFieldsBytes },
              bodySizeBytes: whole.length,
            },
            indexes: [0],
            openBody: () => Readable.from(chunks),
          });
          expect(outcomes.map(({ status }) => status)).toEqual(['delivered']);
          const taken = policy.messages.pop()?.body;
          expect(taken?.length).toBe(message.traceFields.length + whole.length - internalFieldsBytes);
        }),
        { numRuns: 100 },
      );
      await connection.close();
    });

    it('do not go into a mailbox folder', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'relaypair-deliver-'));
      try {
        const opened = await openHop(contextFor({}), mailbox({ kind: 'maildir', folder }), false);
        await connectionOf(opened).deliver(parcelOf(noted, BODY));
        const inbox = join(folder, 'anna@contoso.test', 'new');
        const [name = ''] = await readdir(inbox);
        expect(await readFile(join(inbox, name), 'utf8')).toMatch(new RegExp(`Received: here\r\n${REST}$`));
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });

  it('defers and closes the body when the hop breaks off in the middle of it', async () => {
    const server = await serve({
      answers: {
        DATA: (_, peer) => {
          peer.say('354 go');
          return peer.vanish();
        },
      },
    });
    const body = Readable.from(
      (function* () {
        for (;;) yield Buffer.from(`${'x'.repeat(70)}\r\n`.repeat(1000));
      })(),
    );
    const connection = connectionOf(
      await openHop(contextFor({ 'smart.test': server.port }), smartHost('smart.test'), false),
    );
    const closed = new Promise<void>((resolve) => void body.once('close', resolve));
    const outcomes = await connection.deliver({ message: makeMessage(1), indexes: [0], openBody: () => body });
    await closed;
    expect([outcomes.map(({ status }) => status), connection.alive]).toEqual([['deferred'], false]);
  });

  it('ends a delivery as deferred when it is cut off', async () => {
    const reached = Promise.withResolvers<void>();
    const server = await serve({
      answers: {
        MAIL: () => {
          reached.resolve();
          return undefined;
        },
      },
    });
    const connection = connectionOf(
      await openHop(contextFor({ 'smart.test': server.port }), smartHost('smart.test'), false),
    );
    const delivery = connection.deliver(parcelOf(makeMessage(1)));
    await reached.promise;
    connection.destroy();
    expect((await delivery).map(({ status }) => status)).toEqual(['deferred', 'deferred']);
  });
});

describe('chooseChunk', () => {
  const capture = { file: 'hub.pcapng', note: () => undefined };
  it.each([
    ['a member of the pair in TLS, behind its envelope', 'pair', false, { channel: 'tls' }, 'with-envelope'],
    ['nobody in clear, where analysers look on', 'pair', false, { channel: 'plaintext' }, undefined],
    ['nobody where the session is captured', 'pair', false, { channel: 'tls', captures: [capture] }, undefined],
    ['others whose connector says so', 'smart-host', true, { channel: 'tls' }, 'after-envelope'],
    ['others in clear too', 'dns', true, { channel: 'plaintext' }, 'after-envelope'],
    ['nobody else', 'smart-host', false, { channel: 'tls' }, undefined],
  ] as const)('sends a chunk to %s', (_whom, kind, chunking, facts, expected) => {
    expect(chooseChunk({ kind, chunking }, facts)).toBe(expected);
  });
});

describe('prepend', () => {
  it('puts the prefix in front', async () => {
    const stream = prepend(Buffer.from('a'), () => Readable.from([Buffer.from('b'), Buffer.from('c')]));
    expect((await buffer(stream)).toString()).toBe('abc');
  });

  it('fails as the body does', async () => {
    const stream = prepend(Buffer.from('a'), () =>
      new Readable({ read: () => undefined }).destroy(new Error('damaged')),
    );
    await expect(buffer(stream)).rejects.toThrow('damaged');
  });

  it('closes the body when nobody reads on', async () => {
    const body = new Readable({
      read() {
        this.push('b');
      },
    });
    const stream = prepend(Buffer.from('a'), () => body);
    for await (const _ of stream) if (body.readableDidRead) break;
    expect(body.destroyed).toBe(true);
  });

  it('comes to nothing before the body has begun, and alone where there is none', async () => {
    const { promise: isCertain, reject } = Promise.withResolvers<Buffer>();
    const stream = prepend(Buffer.from('a'), async function* () {
      yield await isCertain;
    });
    const first = stream.next();
    reject(new Error('not kept'));
    await expect(first).rejects.toThrow('not kept');
    expect((await buffer(prepend(Buffer.from('a'), () => Readable.from([])))).toString()).toBe('a');
  });
});

describe('formatReply', () => {
  it.each([
    [{ code: 250, enhanced: '2.1.5', text: 'OK' }, '250 2.1.5 OK'],
    [{ code: 250, enhanced: '', text: '' }, '250'],
    [{ code: 554, enhanced: '', text: 'one\r\ntwo \n three' }, '554 one two three'],
  ])('%j is %s', (reply, expected) => {
    expect(formatReply(reply)).toBe(expected);
  });
});
