// The published weaknesses of STARTTLS and of TLS under SMTP, tried on our listener. docs/weaknesses.md lists them with their sources.

import { createSecureContext, getCiphers, type SecureVersion } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SaslServer } from '../../src/smtp/sasl.ts';
import type { Offer, ServerIdentity } from '../../src/smtp/session-policy.ts';
import { createServerContext } from '../../src/tls/secure-context.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { detachableClient } from '../helpers/detachable-tls.ts';
import { ListenerBench } from '../helpers/listener-bench.ts';
import type { RawSmtpClient } from '../helpers/raw-smtp-client.ts';
import { ScriptedPolicy } from '../helpers/scripted-policy.ts';
import { waitUntil } from '../helpers/wait.ts';

const OFFER: Offer = { startTls: true, mechanisms: ['TEST'], sizeLimitBytes: 100_000, chunking: true };
const TRANSACTION =
  'EHLO evil.test\r\nMAIL FROM:<evil@client.test>\r\nRCPT TO:<b@listener.test>\r\nDATA\r\nevil\r\n.\r\n';

const bench = new ListenerBench();
afterEach(() => bench.clear());

let identity: ServerIdentity;
let policy: ScriptedPolicy;
let asked: string[];

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 1000);
  const pair = await createSelfSigned({ netbiosName: 'HUB01', fqdn: 'hub01.test', notBefore });
  identity = { context: createServerContext(pair), certificate: pair.certificate };
});

function welcomeAnybody(): SaslServer {
  return {
    mechanism: 'TEST',
    step: (response) => {
      asked.push(response?.toString() ?? '');
      return { kind: 'success', identity: 'somebody' };
    },
  };
}

/** A client after its EHLO in clear, and the port. */
async function greeted(): Promise<{ client: RawSmtpClient; port: number }> {
  asked = [];
  policy = new ScriptedPolicy({ offered: OFFER, secureContext: () => identity, sasl: welcomeAnybody });
  const port = await bench.listen(policy);
  return { client: await bench.greet(port), port };
}

/** Sends STARTTLS with what is to be taken for something said in TLS, shakes hands, and is at the start of a session then. */
async function expectForgotten(client: RawSmtpClient, injected: string): Promise<void> {
  client.write(`STARTTLS\r\n${injected}`);
  expect((await client.reply()).code).toBe(220);
  await client.secure();
  expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
  expect(await client.ask('MAIL FROM:<a@client.test>')).toBe('503 5.5.1 Send hello first');
  expect(client.isQuiet).toBe(true);
  expect(policy.messages).toEqual([]);
}

async function expectServedStill(port: number): Promise<void> {
  const other = await bench.greet(port);
  expect(await other.ask('NOOP')).toBe('250 2.0.0 OK');
}

describe('NO STARTTLS, command injection', () => {
  it.each([
    ['a whole transaction', TRANSACTION],
    ['AUTH with its response', 'EHLO evil.test\r\nAUTH TEST c2VjcmV0\r\n'],
    ['more lines than are read at once', 'NOOP\r\n'.repeat(1000) + TRANSACTION],
    ['half a command', 'MAIL FROM:<evil@client.test> BO'],
    ['a second STARTTLS', 'STARTTLS\r\nSTARTTLS\r\n'],
    ['a chunk', 'EHLO evil.test\r\nBDAT 1000 LAST\r\nabc'],
    ['a bare line feed', 'NOOP\nRSET\r\n'],
  ])('never runs what came in clear in the packet of STARTTLS: %s', async (_what, injected) => {
    const { client } = await greeted();
    await expectForgotten(client, injected);
    expect(asked).toEqual([]);
  });

  it('does not finish in TLS a command that was begun in clear', async () => {
    const { client } = await greeted();
    client.write('STARTTLS\r\nQU');
    await client.reply();
    await client.secure();
    expect(await client.ask('IT')).toMatch(/^500 5\.5\.1 /);
    expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
  });

  it('takes clear text between its 220 and the handshake for a broken handshake', async () => {
    const { client, port } = await greeted();
    await client.ask('STARTTLS');
    client.write(TRANSACTION);
    await client.closed;
    await policy.seen(/^handshakeFailed /);
    expect(client.isQuiet).toBe(true);
    expect(policy.events).not.toContain('secured');
    expect(policy.messages).toEqual([]);
    await expectServedStill(port);
  });
});

describe('NO STARTTLS, session fixation', () => {
  it('forgets name, identity, sender, recipients and chunks of the time in clear', async () => {
    const { client } = await greeted();
    expect(await client.ask('AUTH TEST AA==')).toMatch(/^235 /);
    await client.ask('MAIL FROM:<evil@client.test>');
    await client.ask('RCPT TO:<b@listener.test>');
    expect(await client.ask('BDAT 6\r\nevil')).toMatch(/^250 /);
    await expectForgotten(client, '');
    const hello = await client.ask('EHLO client.test');
    expect(hello).toContain('AUTH TEST');
    expect(await client.ask('BDAT 6 LAST\r\nevil')).toMatch(/^503 /);
    expect(await client.ask('RCPT TO:<b@listener.test>')).toMatch(/^503 /);
    await client.ask('MAIL FROM:<a@client.test>');
    await client.ask('RCPT TO:<c@listener.test>');
    await client.ask('DATA');
    expect(await client.ask('mine\r\n.')).toMatch(/^250 /);
    expect(policy.messages).toHaveLength(1);
    expect(policy.messages[0]).toMatchObject({
      session: { helo: 'client.test', authentication: undefined },
      transaction: { mail: { reversePath: { text: 'a@client.test' } }, recipients: [{ mailbox: { localPart: 'c' } }] },
    });
    expect(policy.messages[0]?.body.toString()).toBe('mine\r\n');
  });

  it('does not begin TLS in TLS', async () => {
    const { client } = await greeted();
    await expectForgotten(client, '');
    expect(await client.ask('EHLO client.test')).not.toContain('STARTTLS');
    expect(await client.ask('STARTTLS')).toMatch(/^503 5\.5\.1 /);
    expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
  });
});

describe('Dead.Letter', () => {
  it.each(['BDAT 12 LAST\r\nevil', 'DATA\r\nevil'])(
    'takes the end of TLS for the end of the client, in the middle of %j',
    async (begun) => {
      const { client, port } = await greeted();
      await client.ask('STARTTLS');
      const tcp = client.socket;
      const inClear: Buffer[] = [];
      const secured = await detachableClient(tcp);
      secured.write(`EHLO c.test\r\nMAIL FROM:<evil@client.test>\r\nRCPT TO:<b@listener.test>\r\n${begun}`);
      let heard = '';
      secured.on('data', (octets: Buffer) => {
        heard += octets.toString();
      });
      // Then what follows it has come as well, and its octets are being read as a body.
      await waitUntil('the answer to RCPT', () => /^250 2\.1\.5 /m.test(heard));
      const before = tcp.bytesWritten;
      secured.end();
      await waitUntil('close_notify', () => tcp.bytesWritten > before);
      tcp.on('data', (octets: Buffer) => inClear.push(octets));
      tcp.write(' gone on\r\n.\r\nNOOP\r\nRSET\r\n');
      await client.closed;
      await policy.seen(/^closed$/);
      expect(policy.messages).toEqual([]);
      // Records of TLS at most: alerts and what was under way.
      expect(Buffer.concat(inClear).toString('latin1')).not.toMatch(/\b(?:250|354|421|500|503)[ -]/);
      await expectServedStill(port);
    },
  );
});

describe('ALPACA and Opossum', () => {
  it.each(['POST / HTTP/1.1\r\nHost: hub01.test\r\n', 'GET /EHLO HTTP/1.0\r\n', 'PRI * HTTP/2.0\r\n'])(
    'closes at the first line of %j in TLS, and gives nothing of it back',
    async (request) => {
      const { client } = await greeted();
      await client.ask('STARTTLS');
      await client.secure();
      client.write(`${request}Cookie: secret\r\n\r\n${TRANSACTION}`);
      expect(await client.reply()).toMatchObject({ code: 554, text: '5.5.1 This is an SMTP server' });
      await client.closed;
      expect(client.isQuiet).toBe(true);
      expect(policy.messages).toEqual([]);
    },
  );

  it.each([[['h2', 'http/1.1']], [['imap']], [['SMTP', 'smtp ', 'xmpp-client']]])(
    'ends the handshake of a client that asks for %j by ALPN',
    async (ALPNProtocols) => {
      const { client, port } = await greeted();
      await client.ask('STARTTLS');
      await expect(client.secure({ ALPNProtocols })).rejects.toMatchObject({
        code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
      });
      await policy.seen(/^handshakeFailed /);
      expect(policy.events).not.toContain('secured');
      await expectServedStill(port);
    },
  );

  it('shakes hands with a client that asks for SMTP, or for nothing', async () => {
    for (const [ALPNProtocols, agreed] of [
      [['http/1.1', 'smtp'], 'smtp'],
      [['esmtp'], 'esmtp'],
      [undefined, false],
    ] as const) {
      const { client } = await greeted();
      await client.ask('STARTTLS');
      const socket = await client.secure(ALPNProtocols ? { ALPNProtocols: [...ALPNProtocols] } : {});
      expect(socket.alpnProtocol).toBe(agreed);
      expect(await client.ask('NOOP')).toBe('250 2.0.0 OK');
    }
  });

  it('says nothing in TLS before it is spoken to: a client of implicit TLS led here waits for a greeting in vain', async () => {
    const { client } = await greeted();
    await client.ask('STARTTLS');
    await client.secure();
    expect(await client.ask('EHLO client.test')).toMatch(/^250 listener\.test Hello/);
    expect(client.isQuiet).toBe(true);
  });
});

describe('downgrade', () => {
  const anything = 'ALL:COMPLEMENTOFALL:@SECLEVEL=0';
  const weak = getCiphers()
    .map((name) => name.toUpperCase())
    .filter((name) => !name.startsWith('TLS_') && !/^ECDHE-(?:RSA|ECDSA)-(?:AES\d+-GCM-|CHACHA20-)/.test(name))
    .filter(isSpoken);

  /** Whether this machine's own OpenSSL still has it. */
  function isSpoken(ciphers: string): boolean {
    try {
      createSecureContext({ ciphers: `${ciphers}:@SECLEVEL=0`, maxVersion: 'TLSv1.2' });
      return true;
    } catch {
      return false;
    }
  }

  async function expectRefused(options: { maxVersion: SecureVersion; ciphers: string }, code: RegExp): Promise<void> {
    const { client } = await greeted();
    await client.ask('STARTTLS');
    await expect(client.secure({ minVersion: 'TLSv1', ...options })).rejects.toMatchObject({
      code: expect.stringMatching(code) as string,
    });
    await policy.seen(/^handshakeFailed /);
    expect(policy.events).not.toContain('secured');
  }

  it.each(['TLSv1', 'TLSv1.1'] as const)('refuses %s', async (maxVersion) => {
    await expectRefused({ maxVersion, ciphers: anything }, /ALERT_PROTOCOL_VERSION$/);
  });

  it('refuses every suite without AEAD and forward secrecy: RC4, 3DES, CBC, static RSA', async () => {
    expect(weak.length).toBeGreaterThan(10);
    expect(weak).toContain('AES128-SHA');
    await expectRefused(
      { maxVersion: 'TLSv1.2', ciphers: `${weak.join(':')}:@SECLEVEL=0` },
      /HANDSHAKE_FAILURE$|NO_CIPHERS_AVAILABLE$/,
    );
  });

  it('renegotiates nothing, and goes on with others', async () => {
    const { client, port } = await greeted();
    await client.ask('STARTTLS');
    const socket = await client.secure({ maxVersion: 'TLSv1.2' });
    await client.ask('EHLO client.test');
    await client.ask('MAIL FROM:<a@client.test>');
    const refusal = new Promise<unknown>((resolve) => {
      socket.once('error', resolve);
      socket.once('close', resolve);
      socket.renegotiate({ rejectUnauthorized: false }, (error) => resolve(error ?? 'renegotiated'));
    });
    expect(await refusal).not.toBe('renegotiated');
    expect(policy.events.filter((event) => event === 'secured')).toHaveLength(1);
    await expectServedStill(port);
  });
});
