// What the listener promises over smtp-server, whose inner members it uses: STARTTLS (RFC 3207). Run it after every change of that pin.

import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SaslServer, SaslStep } from '../../src/smtp/sasl.ts';
import type { Offer, ServerIdentity, SmtpSession } from '../../src/smtp/session-policy.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createServerContext } from '../../src/tls/secure-context.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { createEcCertificate } from '../helpers/ec-certificate.ts';
import { beginData, ListenerBench, sendBody } from '../helpers/listener-bench.ts';
import type { RawSmtpClient } from '../helpers/raw-smtp-client.ts';
import { makeIdentity, ScriptedPolicy } from '../helpers/scripted-policy.ts';

const TLS_OFFER: Offer = { startTls: true, mechanisms: [], sizeLimitBytes: 100_000 };

const bench = new ListenerBench();
afterEach(() => bench.clear());

let hub: KeyPair;
let edge: KeyPair;
let hubIdentity: ServerIdentity;
let edgeIdentity: ServerIdentity;

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 1000);
  hub = await createSelfSigned({ netbiosName: 'HUB01', fqdn: 'hub01.test', notBefore });
  edge = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.test', notBefore });
  hubIdentity = makeIdentity(hub.certificate.pem, hub.privateKeyPem);
  edgeIdentity = makeIdentity(edge.certificate.pem, edge.privateKeyPem);
});

function tlsPolicy(overrides: ConstructorParameters<typeof ScriptedPolicy>[0] = {}): ScriptedPolicy {
  return new ScriptedPolicy({ offered: TLS_OFFER, secureContext: () => hubIdentity, ...overrides });
}

function scriptedSasl(...steps: SaslStep[]): SaslServer & { responses: (string | undefined)[] } {
  const responses: (string | undefined)[] = [];
  return {
    mechanism: 'TEST',
    responses,
    step(response) {
      responses.push(response?.toString());
      return steps.shift() ?? { kind: 'failure' };
    },
  };
}

async function secure(client: RawSmtpClient, options: Parameters<RawSmtpClient['secure']>[0] = {}): Promise<TLSSocket> {
  expect(await client.ask('STARTTLS')).toBe('220 2.0.0 SMTP server ready');
  return client.secure(options);
}

describe('STARTTLS', () => {
  it('answers 502 and begins no handshake when it is not offered', async () => {
    const client = await bench.greet(await bench.listen(new ScriptedPolicy()));
    expect(await client.ask('STARTTLS')).toMatch(/^502 5\.5\.1 /);
    expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
  });

  it('answers 454 when there is no certificate to show, 501 to a parameter, 503 inside TLS', async () => {
    const policy = tlsPolicy();
    const port = await bench.listen(policy);
    const client = await bench.greet(port);
    expect(await client.ask('STARTTLS now')).toMatch(/^501 5\.5\.4 /);
    policy.secureContext = () => undefined;
    expect(await client.ask('STARTTLS')).toMatch(/^454 4\.7\.0 /);
    policy.secureContext = () => hubIdentity;
    await secure(client);
    expect(await client.ask('EHLO client.test')).not.toContain('STARTTLS');
    expect(await client.ask('STARTTLS')).toMatch(/^503 5\.5\.1 /);
  });

  it('tells what the handshake showed, the certificate of the client included', async () => {
    const policy = tlsPolicy();
    let session: SmtpSession | undefined;
    policy.secured = (asked) => {
      session = asked;
    };
    const client = await bench.greet(await bench.listen(policy));
    const socket = await secure(client, {
      servername: 'hub01.test',
      cert: edge.certificate.pem,
      key: edge.privateKeyPem,
    });
    expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
    expect(session?.tls).toMatchObject({ protocol: 'TLSv1.3', servername: 'hub01.test', resumed: false });
    expect(session?.tls?.cipher).toBe(socket.getCipher().standardName);
    expect(session?.tls?.peerCertificate?.thumbprint).toBe(edge.certificate.thumbprint);
    expect(session?.tls?.localCertificate?.thumbprint).toBe(hub.certificate.thumbprint);
    expect(session?.startTlsOffered).toBe(true);
  });

  it('asks for a certificate of the client but does without', async () => {
    const policy = tlsPolicy();
    const client = await bench.greet(await bench.listen(policy));
    await secure(client);
    await client.ask('EHLO client.test');
    await sendBody(client, 'x\r\n');
    expect(policy.messages[0]?.session.tls?.peerCertificate).toBeUndefined();
  });

  it('forgets name, sender and identity of the time in clear', async () => {
    const offered: Offer = { ...TLS_OFFER, mechanisms: ['TEST'] };
    const policy = tlsPolicy({ offered, sasl: () => scriptedSasl({ kind: 'success', identity: 'someone' }) });
    let session: SmtpSession | undefined;
    policy.secured = (asked) => {
      session = asked;
      policy.note(`helo ${asked.helo} extended ${asked.extended} authentication ${asked.authentication?.identity}`);
    };
    const client = await bench.greet(await bench.listen(policy));
    expect(await client.ask('AUTH TEST AA==')).toMatch(/^235 2\.7\.0 /);
    await client.ask('MAIL FROM:<a@client.test>');
    await secure(client);
    expect(await client.ask('RCPT TO:<b@listener.test>')).toMatch(/^503 5\.5\.1 /);
    expect(await client.ask('MAIL FROM:<a@client.test>')).toMatch(/^503 5\.5\.1 /);
    expect(policy.events).toContain('helo undefined extended false authentication undefined');
    expect(await client.ask('EHLO again.test')).toContain('AUTH TEST');
    expect(session?.helo).toBe('again.test');
  });

  it('never runs what was sent in clear behind STARTTLS', async () => {
    const policy = tlsPolicy();
    const client = await bench.greet(await bench.listen(policy));
    const injected = `${'NOOP\r\n'.repeat(250)}MAIL FROM:<evil@client.test>\r\nRCPT TO:<b@listener.test>\r\nRSE`;
    client.write(`STARTTLS\r\n${injected}`);
    expect((await client.reply()).code).toBe(220);
    await client.secure();
    expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
    await client.ask('EHLO client.test');
    expect(await client.ask('RCPT TO:<b@listener.test>')).toMatch(/^503 /);
    expect(client.isQuiet).toBe(true);
  });

  it('serves the certificate of the moment to each handshake, while older sessions go on', async () => {
    const policy = tlsPolicy();
    const port = await bench.listen(policy);
    const older = await bench.greet(port);
    const first = await secure(older);
    policy.secureContext = () => edgeIdentity;
    const second = await secure(await bench.greet(port));
    expect(first.getPeerX509Certificate()?.subject).toBe('CN=HUB01');
    expect(second.getPeerX509Certificate()?.subject).toBe('CN=EDGE01');
    expect(await older.ask('NOOP')).toBe('250 2.0.0 OK');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'chooses by SNI between keys of different kinds under %s',
    async (version) => {
      const pair = createEcCertificate('ec.test');
      const ec = makeIdentity(pair.certificatePem, pair.privateKeyPem);
      let session: SmtpSession | undefined;
      const policy = tlsPolicy({
        secureContext: (_, servername) =>
          servername === undefined ? ec : servername === 'hub01.test' ? hubIdentity : undefined,
        secured: (asked) => {
          session = asked;
        },
      });
      const port = await bench.listen(policy);
      const subjects: (string | undefined)[] = [];
      for (const servername of ['HUB01.test', 'unknown.test', '']) {
        const client = await bench.greet(port);
        const socket = await secure(client, { servername, minVersion: version, maxVersion: version });
        await client.ask('NOOP');
        subjects.push(socket.getPeerX509Certificate()?.subject, session?.tls?.localCertificate?.subject);
      }
      expect(subjects).toEqual(['CN=HUB01', 'CN=HUB01', 'CN=ec.test', 'CN=ec.test', 'CN=ec.test', 'CN=ec.test']);
    },
  );

  it('still greets a name for which the policy breaks', async () => {
    const policy = tlsPolicy({
      secureContext: (_, servername) => {
        if (servername !== undefined) throw new Error('no such store');
        return hubIdentity;
      },
    });
    const client = await bench.greet(await bench.listen(policy));
    const socket = await secure(client, { servername: 'any.test' });
    expect(socket.getPeerX509Certificate()?.subject).toBe('CN=HUB01');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'cuts off a session resumed under %s by a context with tickets',
    async (version) => {
      const withTickets = makeIdentity(hub.certificate.pem, hub.privateKeyPem, { sessionIdContext: 'tickets' });
      const policy = tlsPolicy({ secureContext: () => withTickets });
      const port = await bench.listen(policy);
      const limits = { minVersion: version, maxVersion: version };
      const client = await bench.greet(port);
      await client.ask('STARTTLS');
      const session = await client.secureForTicket(limits);
      const again = await bench.greet(port);
      await again.ask('STARTTLS');
      expect((await again.secure({ ...limits, session })).isSessionReused()).toBe(true);
      await again.closed;
      await policy.seen(/^handshakeFailed /);
      expect(policy.events.filter((seen) => /^secured|^handshake/.test(seen))).toEqual([
        'secured',
        'handshakeFailed session-resumed',
      ]);
    },
  );

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'resumes nothing under %s with the contexts of the product',
    async (version) => {
      const identity = { context: createServerContext(hub), certificate: hub.certificate };
      const port = await bench.listen(tlsPolicy({ secureContext: () => identity }));
      const limits = { minVersion: version, maxVersion: version };
      const client = await bench.greet(port);
      const socket = await secure(client, limits);
      await client.ask('NOOP');
      const session = socket.getSession();
      const again = await bench.greet(port);
      const second = await secure(again, { ...limits, ...(session && { session }) });
      expect(second.isSessionReused()).toBe(false);
      expect(await again.ask('NOOP')).toBe('250 2.0.0 OK');
    },
  );

  it('takes nothing below TLS 1.2', async () => {
    const weak = makeIdentity(hub.certificate.pem, hub.privateKeyPem, {
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const policy = tlsPolicy({ secureContext: () => weak });
    const client = await bench.greet(await bench.listen(policy));
    await client.ask('STARTTLS');
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await client.secure(old).catch(() => undefined);
    await client.closed;
    await policy.seen(/^handshakeFailed protocol-below-minimum$/);
    expect(policy.events).not.toContain('secured');
  });

  it.each<[string, (client: RawSmtpClient) => void, RegExp]>([
    ['garbage', (client) => client.write('EHLO this is no handshake\r\n'), /^handshakeFailed ERR_SSL/],
    ['a reset', (client) => client.socket.resetAndDestroy(), /^handshakeFailed ECONNRESET$/],
    ['a hang-up', (client) => client.destroy(), /^handshakeFailed /],
    ['silence', () => undefined, /^handshakeFailed ETIMEDOUT$/],
  ])('reports %s as a failed handshake once and closes', async (_, misbehave, event) => {
    const policy = tlsPolicy();
    const client = await bench.greet(await bench.listen(policy, { timeouts: { handshakeMs: 200 } }));
    await client.ask('STARTTLS');
    misbehave(client);
    await client.closed;
    await policy.seen(/^closed$/);
    expect(policy.events.filter((seen) => seen.startsWith('handshakeFailed'))).toHaveLength(1);
    expect(policy.events.find((seen) => seen.startsWith('handshakeFailed'))).toMatch(event);
    expect(policy.events).not.toContain('secured');
  });

  it('reports a client that does not like the certificate', async () => {
    const policy = tlsPolicy();
    const client = await bench.greet(await bench.listen(policy));
    await client.ask('STARTTLS');
    await expect(client.secure({ rejectUnauthorized: true, servername: 'hub01.test' })).rejects.toMatchObject({
      code: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    await policy.seen(/^handshakeFailed /);
    await policy.seen(/^closed$/);
  });

  it('is cut off by a close at its bound, in the middle of the handshake as in the middle of a body', async () => {
    const policy = tlsPolicy();
    const port = await bench.listen(policy, { timeouts: { closeMs: 100 } });
    const stuck = await bench.greet(port);
    await beginData(stuck);
    const shaking = await bench.greet(port);
    await shaking.ask('STARTTLS');
    await bench.listeners[0]?.close();
    await Promise.all([stuck.closed, shaking.closed]);
    expect(policy.events.filter((event) => event.startsWith('handshakeFailed'))).toHaveLength(1);
  });
});
