// What the listener promises to mail programs over smtp-server, whose inner members it uses: TLS before any word (RFC 8314), and
// no password in clear (RFC 4954). Run it after every change of that pin.

import { afterEach, describe, expect, it } from 'vitest';
import { REPLIES } from '../../src/smtp/replies.ts';
import { PlainServer } from '../../src/smtp/plain.ts';
import type { Offer, SmtpSession } from '../../src/smtp/session-policy.ts';
import { createEcCertificate } from '../helpers/ec-certificate.ts';
import { ListenerBench, sendBody } from '../helpers/listener-bench.ts';
import { makeIdentity, ScriptedPolicy } from '../helpers/scripted-policy.ts';

const bench = new ListenerBench();
afterEach(() => bench.clear());

const { certificatePem, privateKeyPem } = createEcCertificate('listener.test');
const identity = makeIdentity(certificatePem, privateKeyPem);
const PLAIN = Buffer.from('\0ed\0secret').toString('base64');

/** Offers PLAIN under TLS alone, and knows ed. */
function policyOf(overrides: ConstructorParameters<typeof ScriptedPolicy>[0] = {}): ScriptedPolicy {
  const policy = new ScriptedPolicy({
    secureContext: () => identity,
    sasl: () =>
      new PlainServer(async (user, password) =>
        user === 'ed' && password === 'secret' ? { kind: 'success', identity: 'ed' } : { kind: 'failure' },
      ),
    ...overrides,
  });
  policy.offer = ({ tls }: SmtpSession): Offer => ({
    startTls: true,
    mechanisms: tls ? ['PLAIN'] : [],
    mechanismsUnderTls: ['PLAIN'],
    sizeLimitBytes: undefined,
  });
  return policy;
}

describe('a password in clear', () => {
  it('is not asked for, and refused with 538 when it comes all the same', async () => {
    const client = await bench.dial(await bench.listen(policyOf(), { service: 'submission' }));
    await client.reply();
    expect(await client.ask('EHLO client.test')).not.toContain('AUTH');
    const refusal = '538 5.7.11 Encryption required for requested authentication mechanism';
    expect(await client.ask('AUTH PLAIN')).toBe(refusal);
    expect(await client.ask(`AUTH plain ${PLAIN}`)).toBe(refusal);
    expect(await client.ask('AUTH OTHER')).toMatch(/^502 5\.5\.1 /);
    expect(await client.ask('STARTTLS')).toMatch(/^220 /);
    await client.secure();
    expect(await client.ask(`AUTH PLAIN ${PLAIN}`)).toMatch(/^503 5\.5\.1 /);
    expect(await client.ask('EHLO client.test')).toContain('AUTH PLAIN');
    expect(await client.ask(`AUTH PLAIN ${PLAIN}`)).toMatch(/^235 /);
  });
});

describe('where TLS comes first', () => {
  it('the handshake comes before the greeting, and everything after it', async () => {
    const policy = policyOf();
    const client = await bench.dial(await bench.listen(policy, { service: 'smtps' }));
    await client.secure();
    expect((await client.reply()).text).toBe('listener.test ESMTP ready');
    const hello = await client.ask('EHLO client.test');
    expect(hello).toContain('AUTH PLAIN');
    expect(hello).not.toContain('STARTTLS');
    expect(await client.ask('STARTTLS')).toBe('503 5.5.1 TLS already active');
    expect(await client.ask(`AUTH PLAIN ${PLAIN}`)).toMatch(/^235 /);
    expect(await sendBody(client, 'hello\r\n')).toMatch(/^250 /);
    expect(policy.messages[0]?.session).toMatchObject({ service: 'smtps', authentication: { identity: 'ed' } });
    expect(policy.events).toEqual(['connect', 'secured']);
  });

  it.each([[['h2', 'http/1.1']], [['imap']]])(
    'the handshake of a client that asks for %j by ALPN ends',
    async (ALPNProtocols) => {
      const policy = policyOf();
      const client = await bench.dial(await bench.listen(policy, { service: 'smtps' }));
      await expect(client.secure({ ALPNProtocols })).rejects.toMatchObject({
        code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
      });
      await policy.seen(/^handshakeFailed /);
      await policy.seen(/^closed$/);
      expect(policy.events).not.toContain('secured');
    },
  );

  it('one that asks for SMTP by ALPN, or for nothing, is greeted', async () => {
    const port = await bench.listen(policyOf(), { service: 'smtps' });
    for (const [ALPNProtocols, agreed] of [
      [['http/1.1', 'smtp'], 'smtp'],
      [['esmtp'], 'esmtp'],
      [undefined, false],
    ] as const) {
      const client = await bench.dial(port);
      const socket = await client.secure(ALPNProtocols ? { ALPNProtocols: [...ALPNProtocols] } : {});
      expect(socket.alpnProtocol).toBe(agreed);
      expect((await client.reply()).code).toBe(220);
    }
  });

  it('a client that is not welcome hears nothing', async () => {
    const policy = policyOf({ connect: () => REPLIES.connectionRefused });
    const client = await bench.dial(await bench.listen(policy, { service: 'smtps' }));
    await client.closed;
    expect(client.isQuiet).toBe(true);
  });

  it('one that speaks in clear hears no SMTP, and its failure is noted', async () => {
    const policy = policyOf();
    const client = await bench.dial(await bench.listen(policy, { service: 'smtps' }));
    client.write('EHLO client.test\r\n');
    await client.closed;
    await expect(client.reply()).rejects.toThrow(/^connection closed after "(?!\d{3})/);
    await policy.seen(/^handshakeFailed ERR_SSL_/);
    await policy.seen(/^closed$/);
  });

  it('one that says nothing is cut off', async () => {
    const policy = policyOf();
    const port = await bench.listen(policy, { service: 'smtps', timeouts: { handshakeMs: 50 } });
    const client = await bench.dial(port);
    await client.closed;
    await policy.seen(/^handshakeFailed ETIMEDOUT$/);
    expect(client.isQuiet).toBe(true);
  });

  it('a server without a certificate closes', async () => {
    const client = await bench.dial(
      await bench.listen(policyOf({ secureContext: () => undefined }), { service: 'smtps' }),
    );
    await client.closed;
    expect(client.isQuiet).toBe(true);
  });

  it('a stop tells idle clients inside TLS, and cuts off those in the handshake', async () => {
    const port = await bench.listen(policyOf(), { service: 'smtps' });
    const [ready, silent] = [await bench.dial(port), await bench.dial(port)];
    await ready.secure();
    await ready.reply();
    const closing = bench.listeners[0]?.close();
    expect(await ready.reply()).toMatchObject({ code: 421 });
    await Promise.all([ready.closed, silent.closed, closing]);
    expect(silent.isQuiet).toBe(true);
  });
});
