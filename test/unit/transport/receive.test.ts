import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/log.ts';
import { Problem } from '../../../src/problem.ts';
import type { ReceiveConnector } from '../../../src/directory/receive-connector.ts';
import { parseMailbox } from '../../../src/smtp/address.ts';
import { BodyFault } from '../../../src/smtp/body-framing.ts';
import { REPLIES } from '../../../src/smtp/replies.ts';
import { deriveScramVerifier } from '../../../src/smtp/scram-verifier.ts';
import type { Reply } from '../../../src/smtp/reply.ts';
import type { SmtpSession, Transaction } from '../../../src/smtp/session-policy.ts';
import type { Spool } from '../../../src/spool/spool.ts';
import { type Certificate, parseCertificate } from '../../../src/tls/certificate.ts';
import type { TlsSession } from '../../../src/tls/tls-session.ts';
import { ConnectionCounts } from '../../../src/transport/connection-counts.ts';
import type { Logins } from '../../../src/transport/logins.ts';
import type { Organisation } from '../../../src/transport/organisation.ts';
import type { Pressure } from '../../../src/transport/pressure.ts';
import { Receiver } from '../../../src/transport/receive.ts';
import type { RecipientValidation } from '../../../src/transport/recipient-validation.ts';
import type { Acceptance } from '../../../src/transport/acceptance.ts';
import type { Records } from '../../../src/transport/records.ts';
import { formatNetworkMessageId } from '../../../src/transport/trace-header.ts';
import { createEcCertificate } from '../../helpers/ec-certificate.ts';
import { HandClock } from '../../helpers/hand-clock.ts';
import { claimAll, findBackend, readBody } from '../../helpers/spool-fixtures.ts';
import { accepted, makeOrganisation, makePeer, receiveConnector } from './organisation-fixtures.ts';

const EDGE = 'edge01.perimeter.test';
const ID = '0f6f2d6e-0000-4000-8000-000000000001';
const BODY = 'Message-ID: <1@example.com>\r\nSubject: hello\r\n\r\nbody\r\n';
/** As this server writes it, in other letter case. */
const BY_US = 'Received: from a.test ([192.0.2.1]) by HUB01.contoso.test ([192.0.2.2]) with ESMTP;\r\n now\r\n';
const certificateOf = (name: string): Certificate => parseCertificate(createEcCertificate(name).certificatePem);
const edgeCertificate = certificateOf(EDGE);
const otherCertificate = certificateOf(EDGE);

const CONNECTOR = receiveConnector({
  name: 'Default HUB01',
  authMechanism: ['Tls', 'ExchangeServer'],
  permissionGroups: ['AnonymousUsers', 'ExchangeServers'],
});

function tlsWith(peerCertificate: Certificate | undefined): TlsSession {
  return { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', peerCertificate } as TlsSession;
}

function makeSession(given: Partial<SmtpSession> = {}): SmtpSession {
  return {
    id: 's',
    remoteAddress: '192.0.2.1',
    remotePort: 4711,
    via: undefined,
    localAddress: '192.0.2.25',
    localPort: 25,
    service: 'smtp',
    helo: 'client.example.com',
    extended: true,
    tls: undefined,
    authentication: undefined,
    startTlsOffered: false,
    ...given,
  };
}

function transactionTo(...addresses: string[]): Transaction {
  const mailboxes = addresses.map(
    (address) => parseMailbox(address) ?? { localPart: address, domain: '', text: address },
  );
  return {
    mail: { reversePath: parseMailbox('sender@example.com'), body: '7BIT', smtpUtf8: false },
    recipients: mailboxes.map((mailbox) => ({ mailbox })),
  };
}

describe('Receiver', () => {
  let folder: string;
  let spool: Spool;
  let organisation: Organisation;
  let acceptances: Acceptance[];
  let faults: string[];
  let ownCertificate: Certificate | undefined;
  let pressure: Pressure;
  const clock = new HandClock(new Date());

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'relaypair-receive-'));
    spool = await findBackend('embedded').open({ folder: join(folder, 'spool'), log: silentLog(), clock });
    pressure = { level: 'Normal', roomBytes: Number.POSITIVE_INFINITY };
    acceptances = [];
    faults = [];
    ownCertificate = certificateOf('hub01.contoso.test');
    organisation = makeOrganisation({
      acceptedDomains: [accepted('contoso.test', { default: true })],
      receiveConnectors: [CONNECTOR],
      peers: [
        makePeer(EDGE, {
          certificate: edgeCertificate,
          verifier: { userName: 'edge-user', scram: deriveScramVerifier('pw') },
        }),
      ],
    });
  });

  afterEach(async () => {
    await spool.close();
    rmSync(folder, { recursive: true, force: true });
  });

  interface ReceiverChanges {
    spool?: Spool;
    accepted?: (acceptance: Acceptance) => void;
    validation?: RecipientValidation;
    logins?: Logins;
  }

  function makeReceiver(changes: ReceiverChanges = {}): Receiver {
    const records: Pick<Records, 'accepted' | 'strangeCertificate' | 'strangePassword'> = {
      accepted: changes.accepted ?? ((acceptance) => void acceptances.push(acceptance)),
      strangeCertificate: () => void faults.push('certificate'),
      strangePassword: () => void faults.push('password'),
    };
    return new Receiver({
      clock,
      log: silentLog(),
      spool: changes.spool ?? spool,
      validation: changes.validation,
      logins: changes.logins,
      organisation: () => organisation,
      records: records as Records,
      identityFor: () => undefined,
      certificateFor: () => ownCertificate,
      expirationMs: 1000,
      pressure: () => pressure,
      decoySecret: Buffer.alloc(32),
      counts: new ConnectionCounts(),
      serverLimits: () => ({
        maxConnections: 5000,
        maxRecipients: 5000,
        maxMessagesPerSession: 1000,
        maxRecipientsPerMinute: undefined,
        commandTimeoutMs: 300_000,
      }),
    });
  }

  function admitted(receiver: Receiver, given: Partial<SmtpSession> = {}): SmtpSession {
    const session = makeSession(given);
    void receiver.connect(session, () => undefined);
    return session;
  }

  const overTls = { helo: EDGE, tls: tlsWith(edgeCertificate) };
  const asEdge = { ...overTls, authentication: { mechanism: 'EXTERNAL', identity: EDGE } };

  describe('X-ANONYMOUSTLS', () => {
    const anonymous = { ...CONNECTOR, tlsVerb: 'XAnonymousTls' } as const;
    const offerOf = (connector: ReceiveConnector) => {
      organisation = { ...organisation, receiveConnectors: [connector] };
      const receiver = makeReceiver();
      const { startTls, anonymousTls } = receiver.offer(admitted(receiver));
      return { startTls, anonymousTls };
    };

    it('is offered where the connector says so, beside STARTTLS or without it', () => {
      expect(offerOf(CONNECTOR)).toEqual({ startTls: true, anonymousTls: false });
      expect(offerOf(anonymous)).toEqual({ startTls: true, anonymousTls: true });
      expect(offerOf({ ...anonymous, authMechanism: ['ExchangeServer'] })).toEqual({
        startTls: false,
        anonymousTls: true,
      });
      expect(offerOf({ ...anonymous, authMechanism: ['Tls'] })).toEqual({ startTls: true, anonymousTls: false });
      ownCertificate = undefined;
      expect(offerOf(anonymous)).toEqual({ startTls: false, anonymousTls: false });
    });

    it('goes on being offered when the certificate has expired, as the peer judges it by the record', () => {
      clock.jump(400 * 86_400_000);
      try {
        expect(offerOf(anonymous)).toEqual({ startTls: false, anonymousTls: true });
      } finally {
        clock.jump(-400 * 86_400_000);
      }
    });
  });

  it('refuses a client that no connector is for', async () => {
    organisation = { ...organisation, receiveConnectors: [receiveConnector({ remoteIpRanges: ['127.0.0.1'] })] };
    expect(await makeReceiver().connect(makeSession(), () => undefined)).toBe(REPLIES.connectionRefused);
  });

  describe('the 250', () => {
    /** Rounds of the event loop between the record of each reception and its 250. */
    async function countRounds(messages: number): Promise<number[]> {
      let rounds = 0;
      const notedAt: number[] = [];
      const receiver = makeReceiver({ accepted: () => void notedAt.push(rounds) });
      const session = admitted(receiver);
      let isOver = false;
      const count = (): void => {
        rounds += 1;
        if (!isOver) setImmediate(count);
      };
      setImmediate(count);
      const waits = Array.from({ length: messages }, async (_, index) => {
        await receiver.data(session, transactionTo('a@contoso.test'), Readable.from([Buffer.from(BODY)]));
        return rounds - (notedAt[index] ?? Number.NaN);
      });
      const counted = await Promise.all(waits);
      isOver = true;
      return counted;
    }

    it('of one that is alone lets the next server be heard first', async () => {
      expect(await countRounds(1)).toEqual([2]);
    });

    it('of one of several waits for nobody', async () => {
      expect(await countRounds(3)).toEqual([0, 0, 0]);
    });
  });

  it('says 250 once the message is in the spool, with Received in front and the envelope noted', async () => {
    const receiver = makeReceiver();
    const session = admitted(receiver);
    const reply = await receiver.data(
      session,
      transactionTo('anna@contoso.test', 'Postmaster'),
      Readable.from([Buffer.from(BODY)]),
    );
    const [message] = await claimAll(spool);
    expect(reply).toMatchObject({
      code: 250,
      text: expect.stringContaining(`<1@example.com> [InternalId=${message?.id}, Hostname=hub01.contoso.test]`),
    });
    expect(message?.envelope).toMatchObject({
      reversePath: 'sender@example.com',
      recipients: [{ address: 'anna@contoso.test' }, { address: 'Postmaster@contoso.test' }],
      messageId: '<1@example.com>',
      subject: 'hello',
      source: 'SMTP:Default HUB01',
      sourceAddress: '192.0.2.1',
      expiresAt: new Date(clock.now().getTime() + 1000),
    });
    expect(message?.traceFields.toString()).toContain('with ESMTP\r\n (in clear, reason=starttls-not-used)');
    expect((message && (await readBody(spool, message)))?.toString()).toBe(BODY);
    expect(acceptances.map(({ reason, isAuthenticated }) => [reason, isAuthenticated])).toEqual([
      ['starttls-not-used', false],
    ]);
  });

  describe('the reason for TLS with a member of the pair', () => {
    const DAY_MS = 86_400_000;
    const asOwn = (tls: TlsSession): TlsSession => ({ ...tls, localCertificate: ownCertificate });
    const byPassword = { authentication: { mechanism: 'SCRAM-SHA-256', identity: 'edge-user' } };

    it.each<[string, number, Partial<SmtpSession>, string]>([
      ['in date', 0, { authentication: { mechanism: 'EXTERNAL', identity: EDGE } }, 'direct-trust'],
      ['expired', 400, { authentication: { mechanism: 'EXTERNAL', identity: EDGE } }, 'expired-tls-kept'],
      ['not yet valid', -2, { authentication: { mechanism: 'EXTERNAL', identity: EDGE } }, 'expired-tls-kept'],
      ['shown, and the password taken all the same', 0, byPassword, 'untrusted-encrypted'],
      ['not shown, and the password taken', 400, { ...byPassword, tls: tlsWith(undefined) }, 'untrusted-encrypted'],
    ])('is the one of the sender: certificates %s', async (_, days, given, expected) => {
      const receiver = makeReceiver();
      clock.jump(days * DAY_MS);
      try {
        const session = admitted(receiver, { helo: EDGE, tls: asOwn(tlsWith(edgeCertificate)), ...given });
        await receiver.data(session, transactionTo('a@contoso.test'), Readable.from([Buffer.from(BODY)]));
      } finally {
        clock.jump(-days * DAY_MS);
      }
      expect(acceptances.map(({ reason }) => reason)).toEqual([expected]);
    });

    it('counts the dates of the certificate that the receiver itself showed', async () => {
      const receiver = makeReceiver();
      const notAfter = new Date(clock.now().getTime() - DAY_MS);
      const tls = { ...tlsWith(edgeCertificate), localCertificate: { ...edgeCertificate, notAfter } };
      const session = admitted(receiver, { ...asEdge, tls });
      await receiver.data(session, transactionTo('a@contoso.test'), Readable.from([Buffer.from(BODY)]));
      expect(acceptances.map(({ reason }) => reason)).toEqual(['expired-tls-kept']);
    });
  });

  it('still says 250 when the records fail: the message is ours', async () => {
    const receiver = makeReceiver({
      accepted: () => {
        throw new Error('a bug');
      },
    });
    const reply = await receiver.data(
      admitted(receiver),
      transactionTo('a@contoso.test'),
      Readable.from([Buffer.from(BODY)]),
    );
    expect([reply.code, (await spool.count()).messages]).toEqual([250, 1]);
  });

  it('records a message whose client went while the disk was writing it', async () => {
    const leaving: Spool = Object.create(spool, {
      receive: {
        value: () => {
          const writer = spool.receive();
          return {
            write: (octets: Buffer) => writer.write(octets),
            commit: async (...given: Parameters<typeof writer.commit>) => {
              const message = await writer.commit(...given);
              receiver.closed(session);
              return message;
            },
            abort: () => writer.abort(),
          };
        },
      },
    }) as Spool;
    const receiver = makeReceiver({ spool: leaving });
    const session = admitted(receiver);
    const body = Readable.from([Buffer.from(BODY)]);
    expect(await receiver.data(session, transactionTo('anna@contoso.test'), body)).toMatchObject({ code: 250 });
    expect(acceptances.map(({ message }) => message.envelope.messageId)).toEqual(['<1@example.com>']);
  });

  it('keeps its reply short and plain, whatever the Message-ID is', async () => {
    const receiver = makeReceiver();
    const body = `Message-ID: <${'ü'.repeat(240)}@example.com>\r\n\r\n`;
    const reply = await receiver.data(
      admitted(receiver),
      transactionTo('a@contoso.test'),
      Readable.from([Buffer.from(body)]),
    );
    expect(reply.text).toMatch(/^<\?+ \[InternalId=\d+, Hostname=hub01\.contoso\.test\] /);
    expect(reply.text.length).toBeLessThan(400);
  });

  it.each<[string, () => Readable, keyof typeof REPLIES]>([
    [
      'the body has a fault',
      () =>
        Readable.from(
          (async function* () {
            yield Buffer.from('x');
            throw new BodyFault('bare-line-ending', 'no', REPLIES.bareLineEnding);
          })(),
        ),
      'bareLineEnding',
    ],
    [
      'reading it fails',
      () =>
        Readable.from(
          (async function* () {
            yield Buffer.from('x');
            throw new Error('a bug');
          })(),
        ),
      'localError',
    ],
    [
      'it has gone round in circles',
      () => Readable.from([Buffer.from(`${'Received: x\r\n'.repeat(30)}\r\n`)]),
      'mailLoop',
    ],
  ])('keeps nothing when %s', async (_, body, expected) => {
    const receiver = makeReceiver();
    const reply = await receiver.data(admitted(receiver), transactionTo('a@contoso.test'), body());
    expect(reply).toBe(REPLIES[expected]);
    expect((await spool.count()).messages).toBe(0);
  });

  it.each<[string, Partial<ReceiveConnector>, string, keyof typeof REPLIES | undefined]>([
    ['once less than MaxLocalHopCount', {}, BY_US.repeat(7), undefined],
    ['as often as MaxLocalHopCount', {}, BY_US.repeat(8), 'mailLoop'],
    ['as often as a MaxLocalHopCount of its own', { maxLocalHopCount: 2 }, BY_US.repeat(2), 'mailLoop'],
    ['often, where MaxLocalHopCount is 0', { maxLocalHopCount: 0 }, BY_US.repeat(29), undefined],
    ['MaxHopCount times, where MaxLocalHopCount is 0', { maxLocalHopCount: 0 }, BY_US.repeat(30), 'mailLoop'],
    ['never, but others often', {}, BY_US.replace('HUB01', 'hub02').repeat(29), undefined],
  ])('answers a message that has been here %s', async (_, given, fields, name) => {
    organisation = { ...organisation, receiveConnectors: [{ ...CONNECTOR, ...given }] };
    const receiver = makeReceiver();
    const body = Readable.from([Buffer.from(`${fields}\r\n`)]);
    const reply = await receiver.data(admitted(receiver), transactionTo('a@contoso.test'), body);
    expect([reply.code, reply.enhanced]).toEqual(name ? [554, '5.4.6'] : [250, '2.6.0']);
    expect((await spool.count()).messages).toBe(name ? 0 : 1);
  });

  it.each<[string, boolean, string, object]>([
    ['REQUIRETLS', true, '', { requireTls: true }],
    ['TLS-Required: No', false, 'TLS-Required: No\r\n', { tlsOptional: true }],
    ['neither', false, '', {}],
  ])('keeps with the message what its sender demands of TLS: %s', async (_, requireTls, fields, expected) => {
    const receiver = makeReceiver();
    const transaction = transactionTo('a@contoso.test');
    const mail = { ...transaction.mail, requireTls };
    const body = Readable.from([Buffer.from(`${fields}${BODY}`)]);
    const reply = await receiver.data(admitted(receiver), { ...transaction, mail }, body);
    expect(reply.code).toBe(250);
    const [message] = await claimAll(spool);
    const { requireTls: kept, tlsOptional } = message?.envelope ?? {};
    expect({ ...(kept && { requireTls: kept }), ...(tlsOptional && { tlsOptional }) }).toEqual(expected);
  });

  it('holds a peer to no size once that has proved itself', () => {
    const receiver = makeReceiver();
    const limitOf = (given: Partial<SmtpSession>) => receiver.offer(admitted(receiver, given)).sizeLimitBytes;
    expect([limitOf(overTls), limitOf(asEdge)]).toEqual([CONNECTOR.maxMessageSizeBytes, undefined]);
  });

  describe('the header of who logged in', () => {
    const ED = { authentication: { mechanism: 'PLAIN', identity: 'ed@contoso.test' } };
    const logins: Logins = {
      check: () => Promise.resolve({ kind: 'refused' }),
      addressesOf: () => Promise.resolve(['ed@contoso.test', 'meadows@contoso.test']),
    };
    const write = async (header: string, given: Partial<SmtpSession> = ED): Promise<number> => {
      const receiver = makeReceiver({ logins });
      const body = Readable.from([Buffer.from(`${header}\r\nhello\r\n`)]);
      const reply = await receiver.data(admitted(receiver, given), transactionTo('a@contoso.test'), body);
      if (reply.code !== 250) expect(reply).toBe(REPLIES.senderDenied);
      expect((await spool.count()).messages).toBe(reply.code === 250 ? 1 : 0);
      return reply.code;
    };

    it.each([
      ['an address of its own', 'From: Ed <ED@contoso.test>\r\n'],
      ['another of them, and a sender of its own', 'From: meadows@contoso.test\r\nSender: ed@contoso.test\r\n'],
      ['no author', 'Subject: hello\r\n'],
    ])('may name %s', async (_, header) => {
      expect(await write(header)).toBe(250);
    });

    it.each([
      ['somebody else', 'From: jo@contoso.test\r\n'],
      ['somebody else, with an own address for a name', 'From: "ed@contoso.test" <jo@contoso.test>\r\n'],
      ['somebody else beside itself', 'From: ed@contoso.test, jo@contoso.test\r\nSender: ed@contoso.test\r\n'],
      ['somebody else in a second field', 'From: ed@contoso.test\r\nFROM: jo@contoso.test\r\n'],
      ['somebody else as sender', 'From: ed@contoso.test\r\nSender: jo@contoso.test\r\n'],
      ['nobody that can be read', 'From: Ed\r\n'],
    ])('may not name %s', async (_, header) => {
      expect(await write(header)).toBe(550);
    });

    it('is looked at for nobody else', async () => {
      expect(await write('From: jo@contoso.test\r\n', {})).toBe(250);
    });
  });

  describe('internal header fields', () => {
    const ORGANIZATION = 'X-MS-Exchange-Organization-AuthAs: Internal\r\n';
    const FOREST = 'X-MS-Exchange-Forest-RulesExecuted: hub02\r\n folded\r\n';
    const ROUTING = 'Received: from a.test by b.test; now\r\nResent-From: <a@b.test>\r\n';

    async function store(given: Partial<SmtpSession>): Promise<[string | undefined, number | undefined]> {
      const receiver = makeReceiver();
      const octets = Buffer.from(`${ORGANIZATION}${ROUTING}${FOREST}\r\n${ORGANIZATION}`);
      const body = Readable.from([octets.subarray(0, 10), octets.subarray(10, 60), octets.subarray(60)]);
      const reply = await receiver.data(admitted(receiver, given), transactionTo('a@contoso.test'), body);
      expect(reply.code).toBe(250);
      const [message] = await claimAll(spool);
      const stored = message && (await readBody(spool, message)).toString();
      expect(stored?.endsWith(`\r\n\r\n${ORGANIZATION}`)).toBe(true);
      return [stored?.slice(0, -`\r\n${ORGANIZATION}`.length), message?.envelope.internalFieldsBytes];
    }

    it.each<[string, Partial<SmtpSession>]>([
      ['a stranger', {}],
      ['a stranger in TLS', { tls: tlsWith(undefined) }],
      ['a peer in TLS that has not authenticated', overTls],
    ])('are taken out of what %s sends, and routing fields stay', async (_, given) => {
      expect(await store(given)).toEqual([ROUTING, undefined]);
    });

    it.each<[string, Partial<SmtpSession>]>([
      ['by its certificate', asEdge],
      ['by its password', { authentication: { mechanism: 'SCRAM-SHA-256', identity: 'edge-user' } }],
    ])('stay in what a peer sends that has proved itself %s, and are noted', async (_, given) => {
      const size = ORGANIZATION.length + FOREST.length;
      expect(await store(given)).toEqual([ORGANIZATION + ROUTING + FOREST, size]);
    });

    it('stay family by family where the connector gives a stranger the right', async () => {
      const extendedRights = ['Ms-Exch-Accept-Headers-Forest'] as const;
      organisation = { ...organisation, receiveConnectors: [{ ...CONNECTOR, extendedRights }] };
      expect(await store({})).toEqual([ROUTING + FOREST, FOREST.length]);
    });

    it('stay where the connector is externally secured', async () => {
      const authMechanism = ['ExternalAuthoritative'] as const;
      organisation = { ...organisation, receiveConnectors: [{ ...CONNECTOR, authMechanism }] };
      const size = ORGANIZATION.length + FOREST.length;
      expect(await store({})).toEqual([ORGANIZATION + ROUTING + FOREST, size]);
    });
  });

  it('takes a message with one hop less than too many', async () => {
    const receiver = makeReceiver();
    const body = Readable.from([Buffer.from(`${'Received: x\r\n'.repeat(29)}\r\n`)]);
    expect((await receiver.data(admitted(receiver), transactionTo('a@contoso.test'), body)).code).toBe(250);
  });

  it('says 452 and aborts when the disk takes nothing', async () => {
    let aborts = 0;
    const full = {
      receive: () => ({
        write: () => Promise.reject(new Problem('spool-unavailable', 'the disk is full')),
        commit: () => Promise.reject(new Error('never')),
        abort: () => {
          aborts++;
          return Promise.reject(new Error('nor this'));
        },
      }),
    };
    const receiver = makeReceiver({ spool: full as unknown as Spool });
    const reply = await receiver.data(
      admitted(receiver),
      transactionTo('a@contoso.test'),
      Readable.from([Buffer.from(BODY)]),
    );
    expect([reply, aborts]).toEqual([REPLIES.insufficientResources, 1]);
  });

  it.each([
    ['from a member of the pair it is taken over', asEdge, ID, BODY],
    ['from a stranger it is not, and taken out', {}, undefined, BODY],
  ])('the network message id: %s', async (_, given, expected, body) => {
    const receiver = makeReceiver();
    const octets = Buffer.from(formatNetworkMessageId(ID) + BODY);
    await receiver.data(
      admitted(receiver, given),
      transactionTo('a@contoso.test'),
      Readable.from([octets.subarray(0, 20), octets.subarray(20)]),
    );
    const [message] = await claimAll(spool);
    expect(message?.envelope.networkMessageId === ID).toBe(expected === ID);
    expect((message && (await readBody(spool, message)))?.toString()).toBe(body);
  });

  describe('back pressure', () => {
    const command = { reversePath: parseMailbox('a@example.com'), body: '7BIT', smtpUtf8: false } as const;

    it('asks strangers to come back at Medium and everybody at High, and sees it at each MAIL', async () => {
      const receiver = makeReceiver();
      const stranger = admitted(receiver);
      const edge = admitted(receiver, asEdge);
      expect(await receiver.mail(stranger, command)).toBeUndefined();
      pressure = { ...pressure, level: 'Medium' };
      expect(await receiver.mail(stranger, command)).toBe(REPLIES.insufficientResources);
      expect(await receiver.mail(edge, command)).toBeUndefined();
      pressure = { ...pressure, level: 'High' };
      expect(await receiver.mail(edge, command)).toBe(REPLIES.insufficientResources);
      pressure = { ...pressure, level: 'Normal' };
      expect(await receiver.mail(stranger, command)).toBeUndefined();
    });

    it('refuses a message that is declared larger than the room on the disk', async () => {
      const receiver = makeReceiver();
      pressure = { level: 'Normal', roomBytes: 1000 };
      const session = admitted(receiver, asEdge);
      expect(await receiver.mail(session, { ...command, sizeBytes: 1001 })).toBe(REPLIES.insufficientResources);
      expect(await receiver.mail(session, { ...command, sizeBytes: 1000 })).toBeUndefined();
    });
  });

  describe('limits', () => {
    const command = { reversePath: parseMailbox('a@example.com'), body: '7BIT', smtpUtf8: false } as const;
    const abroad = { mailbox: parseMailbox('a@elsewhere.test') ?? { localPart: '', domain: '', text: '' } };

    it('of a session are those of its connector, within those of the config; 0 errors are never too many', () => {
      const given = { maxRecipientsPerMessage: 9000, maxProtocolErrors: 0, maxLogonFailures: 7 };
      const times = { connectionTimeoutMs: 900_000, connectionInactivityTimeoutMs: 400_000 };
      organisation = { ...organisation, receiveConnectors: [{ ...CONNECTOR, ...given, ...times }] };
      const receiver = makeReceiver();
      expect(receiver.limits(admitted(receiver))).toEqual({
        maxRecipients: 5000,
        maxMessages: 1000,
        maxErrors: Number.POSITIVE_INFINITY,
        maxAuthFailures: 7,
        timeouts: { commandMs: 300_000, bodyPauseMs: 180_000, connectionMs: 900_000 },
      });
    });

    it('slow a stranger down who is refused, and nobody else', async () => {
      const tarpitIntervalMs = 100;
      organisation = {
        ...organisation,
        receiveConnectors: [{ ...CONNECTOR, tarpitIntervalMs, extendedRights: [] }],
      };
      const receiver = makeReceiver();
      const startMs = performance.now();
      expect(await receiver.recipient(admitted(receiver), transactionTo(), abroad)).toBe(REPLIES.relayDenied);
      // A timer may ring a millisecond early.
      expect(performance.now() - startMs).toBeGreaterThan(tarpitIntervalMs - 2);
    });

    it('count no message of a member of the pair', async () => {
      organisation = { ...organisation, receiveConnectors: [{ ...CONNECTOR, messageRateLimit: 1 }] };
      const receiver = makeReceiver();
      const [edge, stranger] = [admitted(receiver, asEdge), admitted(receiver)];
      for (let left = 3; left > 0; left--) expect(await receiver.mail(edge, command)).toBeUndefined();
      expect(await receiver.mail(stranger, command)).toBeUndefined();
      expect(await receiver.mail(stranger, command)).toBe(REPLIES.messageRate);
      expect(await receiver.mail(edge, command)).toBeUndefined();
    });

    it('let a member of the pair finish its message when the session has lasted long enough', () => {
      const receiver = makeReceiver();
      expect([receiver.mayFinish(admitted(receiver, asEdge)), receiver.mayFinish(admitted(receiver))]).toEqual([
        true,
        false,
      ]);
    });
  });

  describe('recipient validation', () => {
    const anna = parseMailbox('Anna@contoso.test');
    const isKnown = async ({ localPart }: { localPart: string }): Promise<boolean> => {
      if (localPart === 'broken') throw new Problem('ldap-unreachable', 'the directory is away');
      return localPart === 'Anna';
    };

    it.each<[string, keyof typeof REPLIES | undefined]>([
      ['Anna@contoso.test', undefined],
      ['bert@contoso.test', 'userUnknown'],
      ['broken@contoso.test', 'recipientLookup'],
      ['bert@elsewhere.test', 'relayDenied'],
      ['postmaster@contoso.test', undefined],
    ])('answers a stranger who names %s with %s', async (address, name) => {
      const receiver = makeReceiver({ validation: { isOn: () => true, isKnown } });
      const mailbox = parseMailbox(address) ?? { localPart: '', domain: '', text: '' };
      const reply = await receiver.recipient(admitted(receiver), transactionTo(), { mailbox });
      expect(reply).toEqual(name && REPLIES[name]);
    });

    it('asks nothing while it is off, or of a peer', async () => {
      const asked: string[] = [];
      const never = async ({ text }: { text: string }) => asked.push(text) > 0;
      const off = makeReceiver({ validation: { isOn: () => false, isKnown: never } });
      const on = makeReceiver({ validation: { isOn: () => true, isKnown: never } });
      if (!anna) throw new Error('no address');
      expect(await off.recipient(admitted(off), transactionTo(), { mailbox: anna })).toBeUndefined();
      expect(await on.recipient(admitted(on, asEdge), transactionTo(), { mailbox: anna })).toBeUndefined();
      expect(asked).toEqual([]);
    });
  });

  describe('who a client is', () => {
    const isServer = async (receiver: Receiver, session: SmtpSession): Promise<boolean> => {
      const mailbox = parseMailbox('a@elsewhere.test');
      return mailbox !== undefined && (await receiver.recipient(session, transactionTo(), { mailbox })) === undefined;
    };

    it.each<[string, Partial<SmtpSession>, boolean]>([
      ['a stranger', {}, false],
      ['a stranger in TLS', { tls: tlsWith(undefined) }, false],
      ['a peer in TLS that has not authenticated', overTls, false],
      ['a peer by its certificate', asEdge, true],
      ['a peer by name with another certificate', { ...asEdge, tls: tlsWith(otherCertificate) }, false],
      ['a peer by name without TLS', { ...asEdge, tls: undefined }, false],
      [
        'another name with the peer’s certificate',
        { ...asEdge, authentication: { mechanism: 'EXTERNAL', identity: 'x' } },
        false,
      ],
      ['a peer by its password', { authentication: { mechanism: 'SCRAM-SHA-256', identity: 'edge-user' } }, true],
      ['nobody’s user', { authentication: { mechanism: 'SCRAM-SHA-256', identity: 'x' } }, false],
    ])('%s: %j', async (_, given, expected) => {
      const receiver = makeReceiver();
      expect(await isServer(receiver, admitted(receiver, given))).toBe(expected);
    });

    it('is looked up afresh: a certificate that was replaced meanwhile counts no more', async () => {
      const receiver = makeReceiver();
      const session = admitted(receiver, asEdge);
      expect(await isServer(receiver, session)).toBe(true);
      organisation = { ...organisation, peers: [makePeer(EDGE, { certificate: otherCertificate })] };
      expect(await isServer(receiver, session)).toBe(false);
    });

    it.each<[string, Partial<SmtpSession>]>([
      ['certificate was replaced', asEdge],
      ['password was rotated', { authentication: { mechanism: 'SCRAM-SHA-256', identity: 'edge-user' } }],
    ])('is asked anew, and never refused for good, when the %s meanwhile', async (_, given) => {
      const receiver = makeReceiver();
      const session = admitted(receiver, given);
      const commands = async (): Promise<(Reply | undefined)[]> => {
        const mailbox = parseMailbox('a@elsewhere.test');
        const reversePath = parseMailbox('a@contoso.test');
        if (!mailbox || !reversePath) throw new Error('no mailbox');
        return [
          await receiver.mail(session, { ...transactionTo().mail, reversePath }),
          await receiver.recipient(session, transactionTo(), { mailbox }),
        ];
      };
      expect(await commands()).toEqual([undefined, undefined]);
      const verifier = { userName: 'next-user', scram: deriveScramVerifier('pw') };
      organisation = { ...organisation, peers: [makePeer(EDGE, { certificate: otherCertificate, verifier })] };
      expect(await commands()).toEqual([REPLIES.proofLapsed, REPLIES.proofLapsed]);
    });

    it('is asked anew when it changes under a body, which is not kept', async () => {
      const receiver = makeReceiver();
      const session = admitted(receiver, asEdge);
      const body = async function* (): AsyncGenerator<Buffer> {
        yield Buffer.from(BODY);
        organisation = { ...organisation, peers: [makePeer(EDGE, { certificate: otherCertificate })] };
      };
      const reply = await receiver.data(session, transactionTo('a@contoso.test'), Readable.from(body()));
      expect([reply, (await spool.count()).messages, acceptances]).toEqual([REPLIES.proofLapsed, 0, []]);
    });
  });

  describe('what is offered', () => {
    it.each<[string, Partial<SmtpSession>, readonly string[]]>([
      ['a stranger', {}, []],
      ['a stranger with a certificate', { tls: tlsWith(edgeCertificate) }, []],
      ["somebody by a peer's name in clear", { helo: EDGE.toUpperCase() }, ['SCRAM-SHA-256']],
      [
        "somebody by a peer's name in TLS without a certificate",
        { helo: EDGE, tls: tlsWith(undefined) },
        ['SCRAM-SHA-256'],
      ],
      ["somebody by a peer's name with a certificate", overTls, ['EXTERNAL', 'SCRAM-SHA-256']],
    ])('to %s: %j', (_, given, mechanisms) => {
      const receiver = makeReceiver();
      expect(receiver.offer(admitted(receiver, given)).mechanisms).toEqual(mechanisms);
    });

    it('no mechanism on a connector without ExchangeServer', () => {
      organisation = { ...organisation, receiveConnectors: [{ ...CONNECTOR, authMechanism: ['Tls'] }] };
      const receiver = makeReceiver();
      expect(receiver.offer(admitted(receiver, overTls)).mechanisms).toEqual([]);
    });

    it('STARTTLS while the own certificate is in date', () => {
      const receiver = makeReceiver();
      const session = admitted(receiver);
      expect(receiver.offer(session).startTls).toBe(true);
      ownCertificate = undefined;
      expect(receiver.offer(session).startTls).toBe(false);
    });

    it('no STARTTLS on a connector without Tls', () => {
      organisation = { ...organisation, receiveConnectors: [{ ...CONNECTOR, authMechanism: [] }] };
      const receiver = makeReceiver();
      expect(receiver.offer(admitted(receiver)).startTls).toBe(false);
    });
  });

  it.each([
    ['EXTERNAL', 'certificate'],
    ['SCRAM-SHA-256', 'password'],
  ])('notes who failed to prove itself by %s', async (mechanism, fault) => {
    const receiver = makeReceiver();
    const session = admitted(receiver, { helo: EDGE, tls: tlsWith(otherCertificate) });
    const server = receiver.sasl(session, mechanism);
    let step = await server?.step(
      mechanism === 'EXTERNAL' ? Buffer.from('') : Buffer.from('n,,n=nobody,r=abcdefghijklmnop'),
    );
    if (step?.kind === 'challenge') step = await server?.step(Buffer.from('c=biws,r=wrong,p=AAAA'));
    expect([step?.kind, faults]).toEqual(['failure', [fault]]);
  });

  it.each([
    [undefined, 0, /^hub01\.contoso\.test relaypair ESMTP MAIL service ready at /],
    ['220 hello there', 0, /^hello there$/],
  ])('greets with the banner %s', (banner, _, expected) => {
    organisation = { ...organisation, receiveConnectors: [{ ...CONNECTOR, banner }] };
    const receiver = makeReceiver();
    expect(receiver.banner(admitted(receiver))).toMatch(expected);
  });

  it('requires TLS where the connector does', async () => {
    organisation = { ...organisation, receiveConnectors: [{ ...CONNECTOR, requireTls: true }] };
    const receiver = makeReceiver();
    const command = { ...transactionTo().mail };
    expect(await receiver.mail(admitted(receiver), command)).toBe(REPLIES.tlsRequired);
    expect(await receiver.mail(admitted(receiver, { tls: tlsWith(undefined) }), command)).toBeUndefined();
  });
});
