// A message with REQUIRETLS (RFC 8689), or under domain security, on its way to a next hop, over real handshakes: who gets it, who
// does not, and that nothing of it is ever said in clear.

import * as tls from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/clock.ts';
import { silentLog } from '../../src/log.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import type { Envelope } from '../../src/spool/spool.ts';
import { openHop } from '../../src/transport/deliver.ts';
import type { DeliveryContext } from '../../src/transport/delivery-context.ts';
import { demandOf, type Hop, type HopFacts, type RecipientOutcome, underDemand } from '../../src/transport/hop.ts';
import { LoadBalance } from '../../src/transport/load-balance.ts';
import { NO_DNS } from '../helpers/no-dns.ts';
import { makeMessage } from '../helpers/queue-fixtures.ts';
import { openScriptedServer, type ScriptedServer, type SmtpScript } from '../helpers/scripted-smtp-server.ts';
import { makeOrganisation, makePeer } from '../unit/transport/organisation-fixtures.ts';

const DOMAIN = 'example.test';
const BODY = 'Subject: hello\r\n\r\nhello\r\n';

let named: KeyPair;
let elsewhere: KeyPair;
let unknown: KeyPair;
const servers: ScriptedServer[] = [];

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 60_000);
  const make = (netbiosName: string, fqdn: string) => createSelfSigned({ netbiosName, fqdn, notBefore });
  [named, elsewhere, unknown] = await Promise.all([
    make('NAMED', `mx.${DOMAIN}`),
    make('ELSEWHERE', 'mx.hoster.test'),
    make('UNKNOWN', `mx.${DOMAIN}`),
  ]);
  // The authorities that every client of this process trusts: the first two vouch for themselves.
  tls.setDefaultCACertificates([named.certificate.pem, elsewhere.certificate.pem]);
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(pair: KeyPair | undefined, script: SmtpScript = {}): Promise<ScriptedServer> {
  const server = await openScriptedServer({
    ...(pair && {
      keywords: ['STARTTLS', 'SIZE'],
      keywordsInTls: ['SIZE', 'REQUIRETLS'],
      tls: { key: pair.privateKeyPem, cert: pair.certificate.pem },
    }),
    ...script,
  });
  servers.push(server);
  return server;
}

interface Sent {
  readonly outcomes: readonly RecipientOutcome[];
  readonly facts: HopFacts;
}

/** Hands one message over to these servers of a domain, one after the other, or to their one peer. */
async function send(
  at: readonly ScriptedServer[],
  envelope: Partial<Envelope> = { requireTls: true },
  given: Partial<Hop> = {},
): Promise<Sent> {
  const hosts = Object.fromEntries(at.map(({ port }, index) => [`mx${index}.test`, { host: '127.0.0.1', port }]));
  const clock = new SystemClock();
  const context: DeliveryContext = {
    clock,
    log: silentLog(),
    organisation: () => makeOrganisation(),
    addressBook: {
      hosts,
      resolver: {
        ...NO_DNS,
        mailExchangers: () =>
          Promise.resolve({
            kind: 'found',
            records: at.map((_, index) => ({ exchange: `mx${index}.test`, preference: index })),
          }),
      },
    },
    ownKeyPair: () => elsewhere,
    handshakeTimeoutMs: 5000,
    balance: new LoadBalance({ clock, random: () => 0 }),
    random: () => 0,
    isOwnPlace: () => false,
  };
  const message = makeMessage(1);
  const full = { ...message, envelope: { ...message.envelope, ...envelope } };
  const hop = underDemand({ ...TO_DOMAIN, ...given } as Hop, demandOf(full.envelope));
  const opened = await openHop(context, hop, true);
  if (opened.kind === 'deferred') {
    return { facts: opened.facts, outcomes: [{ index: 0, status: 'deferred', reply: opened.reply }] };
  }
  async function* body() {
    yield Buffer.from(BODY);
  }
  const outcomes = await opened.connection.deliver({
    message: { ...full, bodySizeBytes: BODY.length },
    indexes: [0],
    openBody: body,
  });
  await opened.connection.close();
  return { facts: opened.connection.facts, outcomes };
}

const TO_DOMAIN: Hop = {
  kind: 'dns',
  key: 'dns:1',
  deliveryType: 'DnsConnectorDelivery',
  nextHopDomain: DOMAIN,
  connector: 'Internet',
  domain: DOMAIN,
  stance: 'opportunistic',
  port: 25,
  name: 'edge01.perimeter.test',
};

const mailOf = ({ commands }: ScriptedServer): string[] => commands.filter((line) => line.startsWith('MAIL'));
const resultOf = ({ outcomes }: Sent): string => `${outcomes[0]?.status} ${outcomes[0]?.reply.slice(0, 60)}`;

describe('REQUIRETLS to a domain', () => {
  it('goes to a server with a certificate for the domain, and is said again there', async () => {
    const server = await serve(named);
    const sent = await send([server]);
    expect(resultOf(sent)).toMatch(/^delivered/);
    expect(mailOf(server)).toEqual([expect.stringMatching(/ REQUIRETLS$/)]);
    expect(sent.facts).toMatchObject({
      policy: 'sender-requires-tls',
      reason: 'tls-verified',
      channel: 'tls',
      protection: 'authenticated-and-protected',
    });
  });

  it('passes over exchangers that will not do for one that will', async () => {
    const at = [await serve(undefined), await serve(elsewhere), await serve(unknown), await serve(named)];
    const sent = await send(at);
    expect(resultOf(sent)).toMatch(/^delivered/);
    expect(sent.facts.passedOver?.map(({ facts }) => facts.reason)).toEqual([
      'starttls-not-supported',
      'certificate-host-mismatch',
      'certificate-unverified',
    ]);
    expect(at.map((server) => mailOf(server).length)).toEqual([0, 0, 0, 1]);
  });

  it.each<[string, () => Promise<ScriptedServer>, RegExp, string]>([
    ['without TLS', () => serve(undefined), /^failed 550 5\.7\.10 Encryption needed/, 'starttls-not-supported'],
    [
      'without REQUIRETLS',
      () => serve(named, { keywordsInTls: ['SIZE'] }),
      /^failed 550 5\.7\.30 REQUIRETLS support required/,
      'requiretls-not-offered',
    ],
    [
      'that offers it in clear and not in TLS',
      () => serve(named, { keywords: ['STARTTLS', 'REQUIRETLS'], keywordsInTls: [] }),
      /^failed 550 5\.7\.30/,
      'requiretls-not-offered',
    ],
    [
      'that refuses STARTTLS for good',
      () => serve(undefined, { keywords: ['STARTTLS'], answers: { STARTTLS: '502 5.5.1 no' } }),
      /^failed 550 5\.7\.10/,
      'starttls-refused',
    ],
    [
      'that refuses STARTTLS for now',
      () => serve(undefined, { keywords: ['STARTTLS'], answers: { STARTTLS: '454 4.7.0 later' } }),
      /^deferred 454 4\.7\.5/,
      'starttls-refused',
    ],
  ])('is not given to a server %s', async (_, open, expected, reason) => {
    const server = await open();
    const sent = await send([server]);
    expect(resultOf(sent)).toMatch(expected);
    expect(sent.facts).toMatchObject({ policy: 'sender-requires-tls', reason, channel: 'none', protection: 'none' });
    expect(mailOf(server)).toEqual([]);
  });

  it('stands above IgnoreSTARTTLS, and dials nobody', async () => {
    const server = await serve(named);
    const sent = await send([server], { requireTls: true }, { stance: 'ignore' });
    expect(resultOf(sent)).toMatch(/^failed 550 5\.7\.10 .*starttls-ignored/);
    expect(server.commands).toEqual([]);
  });

  it('is not given to TLS that can be broken, which the connector allows all other mail', async () => {
    const { privateKeyPem: key, certificate } = named;
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    const weak = { tls: { tlsVerb: 'StartTls', tlsMinimumVersion: 'Tls10', tlsCipherSuites: [] } } as const;
    const server = await serve(named, { tls: { key, cert: certificate.pem, ...old } });
    const sent = await send([server], { requireTls: true }, weak);
    expect(resultOf(sent)).toMatch(/^failed 550 5\.7\.10 Encryption needed \(handshake-failed\)/);
    expect(mailOf(server)).toEqual([]);
    const other = await send([server], {}, weak);
    expect(resultOf(other)).toMatch(/^delivered/);
    expect(other.facts).toMatchObject({ channel: 'tls', tls: { version: 'TLSv1.1' } });
  });

  it('leaves the same server to all other mail as it was', async () => {
    const server = await serve(undefined);
    await send([server]);
    expect(resultOf(await send([server], {}))).toMatch(/^delivered/);
  });
});

describe('domain security', () => {
  const SECURED = { stance: 'domain-secure' } as const;

  it('goes to a server with a certificate for the domain, which is shown our own', async () => {
    const { privateKeyPem: key, certificate } = named;
    const shown: (string | undefined)[] = [];
    const server = await serve(named, {
      tls: { key, cert: certificate.pem, requestCert: true, rejectUnauthorized: false },
      answers: {
        MAIL: (_, { socket }) => {
          shown.push((socket as tls.TLSSocket).getPeerX509Certificate()?.subject);
          return '250 2.1.0 Sender ok';
        },
      },
    });
    const sent = await send([server], {}, SECURED);
    expect(resultOf(sent)).toMatch(/^delivered/);
    expect(sent.facts).toMatchObject({ policy: 'domain-secure', reason: 'tls-verified', channel: 'tls' });
    await send([server], {});
    // Nobody else learns who we are.
    expect(shown).toEqual(['CN=ELSEWHERE', undefined]);
  });

  it.each<[string, () => Promise<ScriptedServer>, string]>([
    ['without TLS', () => serve(undefined), 'starttls-not-supported'],
    ['with the certificate of another domain', () => serve(elsewhere), 'certificate-host-mismatch'],
    ['whose certificate nobody vouches for', () => serve(unknown), 'certificate-unverified'],
  ])('waits rather than go to a server %s', async (_, open, reason) => {
    const server = await open();
    const sent = await send([server], {}, SECURED);
    expect(resultOf(sent)).toMatch(new RegExp(`^deferred 454 4\\.7\\.5 ${reason}`));
    expect(sent.facts).toMatchObject({ policy: 'domain-secure', reason, channel: 'none', protection: 'none' });
    expect(mailOf(server)).toEqual([]);
  });
});

describe('SourceIPAddress', () => {
  it('is where the connection comes from', async () => {
    const from: (string | undefined)[] = [];
    const server = await serve(undefined, {
      answers: {
        MAIL: (_, { socket }) => {
          from.push(socket.remoteAddress);
          return '250 2.1.0 Sender ok';
        },
      },
    });
    expect(resultOf(await send([server], {}, { sourceAddress: '127.0.3.7' }))).toMatch(/^delivered/);
    expect(from).toEqual(['127.0.3.7']);
  });

  it.each([
    ['203.0.113.77', /this machine does not have 203\.0\.113\.77, which SourceIPAddress of the Send connector names/],
    ['::1', /mx0\.test has no IPv6 address, and "Internet" sends from ::1 alone \(SourceIPAddress\)/],
  ])('%s lets the mail wait, and says why', async (sourceAddress, expected) => {
    const server = await serve(undefined);
    const { outcomes } = await send([server], {}, { sourceAddress });
    expect(outcomes[0]?.status).toBe('deferred');
    expect(outcomes[0]?.reply).toMatch(expected);
    expect(server.commands).toEqual([]);
  });
});

describe('the report on such a message', () => {
  const report = { requireTls: true, reversePath: '' };

  it('goes in any TLS, with REQUIRETLS where that is offered', async () => {
    const [offering, other] = [await serve(named), await serve(unknown, { keywordsInTls: ['SIZE'] })];
    expect(resultOf(await send([offering], report))).toMatch(/^delivered/);
    expect(resultOf(await send([other], report))).toMatch(/^delivered/);
    expect(mailOf(offering)).toEqual([expect.stringMatching(/^MAIL FROM:<>.* REQUIRETLS$/)]);
    expect(mailOf(other)).toEqual([expect.not.stringContaining('REQUIRETLS')]);
  });

  it('waits for TLS and is not dropped', async () => {
    const server = await serve(undefined);
    expect(resultOf(await send([server], report))).toMatch(/^deferred 454 4\.7\.5 starttls-not-supported/);
    expect(mailOf(server)).toEqual([]);
  });
});

describe('REQUIRETLS on the pair', () => {
  it('takes the pin for the verification: no authority need know the certificate', async () => {
    const { privateKeyPem: key, certificate } = unknown;
    const server = await serve(unknown, {
      keywordsInTls: ['REQUIRETLS', 'AUTH EXTERNAL'],
      answers: { AUTH: '235 2.7.0 recognised' },
      tls: { key, cert: certificate.pem, requestCert: true, rejectUnauthorized: false },
    });
    const peer = makePeer('mx0.test', { certificate: unknown.certificate });
    const pair = { kind: 'pair', peers: [peer] } as unknown as Partial<Hop>;
    const sent = await send([server], { requireTls: true }, pair);
    expect(resultOf(sent)).toMatch(/^delivered/);
    expect(sent.facts).toMatchObject({ policy: 'sender-requires-tls', reason: 'direct-trust' });
    expect(mailOf(server)).toEqual([expect.stringMatching(/ REQUIRETLS$/)]);
  });

  it('comes back when the certificate has expired, and STARTTLS is not even asked for', async () => {
    const notBefore = new Date(Date.now() - 400 * 86_400_000);
    const old = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'mx0.test', notBefore });
    const server = await serve(undefined);
    const peer = makePeer('mx0.test', { certificate: old.certificate });
    const pair = { kind: 'pair', peers: [peer] } as unknown as Partial<Hop>;
    const sent = await send([server], { requireTls: true }, pair);
    expect(resultOf(sent)).toMatch(/^failed 550 5\.7\.10 Encryption needed \(certificate-expired\)/);
    expect(mailOf(server)).toEqual([]);
  });
});

describe('a mailbox store', () => {
  const toStore = ({ port }: ScriptedServer) =>
    ({
      kind: 'mailbox',
      key: 'm',
      deliveryType: 'SmtpDeliveryToMailbox',
      nextHopDomain: 'store',
      connector: 'Mailbox delivery',
      target: { kind: 'smtp', host: '127.0.0.1', port },
    }) as unknown as Partial<Hop>;

  it('on this machine needs no TLS: nothing leaves it', async () => {
    const server = await serve(undefined);
    expect(resultOf(await send([server], { requireTls: true }, toStore(server)))).toMatch(/^delivered/);
  });
});
