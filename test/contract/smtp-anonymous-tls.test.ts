// X-ANONYMOUSTLS in both roles: the same as STARTTLS on the wire but for its name, with a certificate of its own on the same listener.
// Run it after every change of the pins of smtp-server and nodemailer.

import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Offer, ServerIdentity, SmtpSession } from '../../src/smtp/session-policy.ts';
import type { TlsVerb } from '../../src/smtp/tls-verb.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createServerContext } from '../../src/tls/secure-context.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { ListenerBench, sendBody } from '../helpers/listener-bench.ts';
import type { ScriptedPeer } from '../helpers/scripted-smtp-server.ts';
import { ScriptedPolicy } from '../helpers/scripted-policy.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const OFFER: Offer = { startTls: true, anonymousTls: true, mechanisms: [], sizeLimitBytes: 100_000 };
const BOTH = ['X-ANONYMOUSTLS', 'STARTTLS'] as const;

const bench = new ListenerBench();
const fixture = new SenderFixture();
afterEach(() => Promise.all([bench.clear(), fixture.cleanUp()]));

let hub: KeyPair;
let internal: KeyPair;
let bought: KeyPair;

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 1000);
  [hub, internal, bought] = await Promise.all([
    createSelfSigned({ netbiosName: 'HUB01', fqdn: 'hub01.test', notBefore }),
    createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.test', notBefore }),
    createSelfSigned({ netbiosName: 'MAIL', fqdn: 'mail.test', notBefore }),
  ]);
});

const identityOf = (pair: KeyPair, asksForCertificate: boolean): ServerIdentity => ({
  context: createServerContext(pair),
  certificate: pair.certificate,
  asksForCertificate,
});

/** As a Receive connector with TlsVerb XAnonymousTls has it. */
function twoFaced(overrides: ConstructorParameters<typeof ScriptedPolicy>[0] = {}): ScriptedPolicy {
  return new ScriptedPolicy({
    offered: OFFER,
    secureContext: (_session, _servername, verb) =>
      verb === 'X-ANONYMOUSTLS' ? identityOf(internal, true) : identityOf(bought, false),
    ...overrides,
  });
}

describe('a listener with both verbs', () => {
  async function handshake(policy: ScriptedPolicy, verb: TlsVerb, maxVersion: 'TLSv1.2' | 'TLSv1.3') {
    let session: SmtpSession | undefined;
    policy.secured = (asked) => {
      session = asked;
    };
    const client = await bench.greet(await bench.listen(policy));
    expect(await client.ask(verb)).toBe('220 2.0.0 SMTP server ready');
    const own = { cert: hub.certificate.pem, key: hub.privateKeyPem };
    const socket = await client.secure({ ...own, servername: 'mail.test', maxVersion });
    expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
    return { socket, session, client };
  }

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('under %s', (version) => {
    it('shows strangers the certificate that was bought, and asks them for none', async () => {
      const { socket, session } = await handshake(twoFaced(), 'STARTTLS', version);
      expect(socket.getPeerX509Certificate()?.raw).toEqual(bought.certificate.der);
      expect(session).toMatchObject({ tlsVerb: 'STARTTLS', tls: { protocol: version } });
      expect(session?.tls?.localCertificate?.thumbprint).toBe(bought.certificate.thumbprint);
      expect(session?.tls?.peerCertificate).toBeUndefined();
    });

    it('shows the pair that of direct trust, whatever name it asks for, and asks for its own', async () => {
      const { socket, session } = await handshake(twoFaced(), 'X-ANONYMOUSTLS', version);
      expect(socket.getPeerX509Certificate()?.raw).toEqual(internal.certificate.der);
      expect(session).toMatchObject({ tlsVerb: 'X-ANONYMOUSTLS', tls: { protocol: version } });
      expect(session?.tls?.localCertificate?.thumbprint).toBe(internal.certificate.thumbprint);
      expect(session?.tls?.peerCertificate?.thumbprint).toBe(hub.certificate.thumbprint);
    });
  });

  it('forgets name, sender and identity of the time in clear', async () => {
    const policy = twoFaced({
      offered: { ...OFFER, mechanisms: ['TEST'] },
      sasl: () => ({ mechanism: 'TEST', step: () => ({ kind: 'success', identity: 'someone' }) }),
    });
    policy.secured = ({ helo, extended, authentication }) =>
      policy.note(`helo ${helo} extended ${extended} authentication ${authentication?.identity}`);
    const client = await bench.greet(await bench.listen(policy));
    expect(await client.ask('AUTH TEST AA==')).toMatch(/^235 /);
    await client.ask('MAIL FROM:<a@client.test>');
    await client.ask('X-ANONYMOUSTLS');
    await client.secure();
    expect(await client.ask('RCPT TO:<b@listener.test>')).toMatch(/^503 5\.5\.1 /);
    expect(policy.events).toContain('helo undefined extended false authentication undefined');
    await client.ask('EHLO again.test');
    expect(await sendBody(client, 'x\r\n')).toMatch(/^250 /);
  });

  it('never runs what was sent in clear behind it, however much', async () => {
    const client = await bench.greet(await bench.listen(twoFaced()));
    client.write(`X-ANONYMOUSTLS\r\n${'NOOP\r\n'.repeat(250)}MAIL FROM:<evil@client.test>\r\nRSE`);
    expect((await client.reply()).code).toBe(220);
    await client.secure();
    expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
    expect(await client.ask('RCPT TO:<b@listener.test>')).toMatch(/^503 /);
    expect(client.isQuiet).toBe(true);
  });

  it('answers 454 when there is no certificate for it, and goes on in clear', async () => {
    const policy = twoFaced({ secureContext: () => undefined });
    const client = await bench.greet(await bench.listen(policy));
    expect(await client.ask('X-ANONYMOUSTLS')).toMatch(/^454 4\.7\.0 /);
    expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
  });
});

describe('a sender that wants X-ANONYMOUSTLS', () => {
  const tls = () => ({
    key: internal.privateKeyPem,
    cert: internal.certificate.pem,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const wanting = { startTls: 'attempt', tlsVerbs: BOTH } as const;

  it('says it where it is offered beside STARTTLS, and shows its certificate', async () => {
    const keywordsInTls = ['SIZE 5', 'AUTH EXTERNAL'];
    const server = await fixture.listen({ keywords: [...BOTH].toReversed(), keywordsInTls, tls: tls() });
    const session = await fixture.connect(server.port, { ...wanting, clientCertificate: hub });
    expect(server.commands).toEqual(['EHLO sender.test', 'X-ANONYMOUSTLS', 'EHLO sender.test']);
    expect(session.tls).toMatchObject({ kind: 'established', verb: 'X-ANONYMOUSTLS' });
    expect(Object.fromEntries(session.capabilities)).toEqual({ SIZE: '5', AUTH: 'EXTERNAL' });
    const socket = server.peers[0]?.socket as TLSSocket | undefined;
    expect(socket?.getPeerX509Certificate()?.raw).toEqual(hub.certificate.der);
    expect((await session.send(makeMessage({ sizeBytes: 5 }))).recipients[0]?.status).toBe('delivered');
  });

  it('says STARTTLS where that alone is offered, and nothing where neither is', async () => {
    const standard = await fixture.listen({ keywords: ['STARTTLS'], tls: tls() });
    const session = await fixture.connect(standard.port, wanting);
    expect(session.tls).toMatchObject({ kind: 'established', verb: 'STARTTLS' });
    const bare = await fixture.listen({ keywords: ['X-ANONYMOUSTLSX', 'X-STARTTLS'] });
    expect(await fixture.connect(bare.port, wanting)).toMatchObject({
      tls: { kind: 'not-offered' },
      startTlsOffered: false,
    });
    expect(bare.commands).toEqual(['EHLO sender.test']);
  });

  it('is not led to it when it wants STARTTLS', async () => {
    const server = await fixture.listen({ keywords: ['X-ANONYMOUSTLS'], tls: tls() });
    const session = await fixture.connect(server.port, { startTls: 'attempt' });
    expect(session.tls).toEqual({ kind: 'not-offered' });
    expect(server.commands).toEqual(['EHLO sender.test']);
  });

  it.each(['454 4.7.0 Not now', '500 5.5.1 Unknown', '250 Ok'])(
    'says so when it is refused with %j, and tries nothing by itself',
    async (answer) => {
      const server = await fixture.listen({ keywords: BOTH, answers: { 'X-ANONYMOUSTLS': answer }, tls: tls() });
      const session = await fixture.connect(server.port, wanting);
      expect(session.tls).toMatchObject({
        kind: 'refused',
        verb: 'X-ANONYMOUSTLS',
        reply: { code: Number(answer.slice(0, 3)) },
      });
      expect(server.commands).toEqual(['EHLO sender.test', 'X-ANONYMOUSTLS']);
      expect((await session.send(makeMessage())).recipients[0]?.status).toBe('delivered');
    },
  );

  it.each(['220 Ready\r\n250-peer.test\r\n250 AUTH PLAIN\r\n', '220 Ready\r\n250 half a li'])(
    'takes nothing of clear text behind the 220: %j',
    async (text) => {
      const answer = (_line: string, peer: ScriptedPeer) => {
        peer.socket.write(text);
        return undefined;
      };
      const server = await fixture.listen({ keywords: BOTH, answers: { 'X-ANONYMOUSTLS': answer } });
      const result = await fixture.dial(server.port, wanting);
      expect(result).toMatchObject({
        kind: 'failed',
        phase: 'starttls',
        tls: { kind: 'failed', verb: 'X-ANONYMOUSTLS', cause: 'protocol', code: 'PLAINTEXT_INJECTED' },
      });
    },
  );

  it('meets our own listener', async () => {
    const policy = twoFaced();
    const port = await bench.listen(policy);
    const session = await fixture.connect(port, { ...wanting, clientCertificate: hub, servername: 'mail.test' });
    if (session.tls.kind !== 'established') throw new Error(session.tls.kind);
    expect(session.tls.verb).toBe('X-ANONYMOUSTLS');
    expect(session.tls.session.peerCertificate?.thumbprint).toBe(internal.certificate.thumbprint);
    await session.send(makeMessage());
    expect(policy.messages[0]?.session).toMatchObject({
      tlsVerb: 'X-ANONYMOUSTLS',
      tls: { peerCertificate: { thumbprint: hub.certificate.thumbprint } },
    });
  });
});
