// The published weaknesses of STARTTLS and of TLS under SMTP, tried on our sender by hostile servers. docs/weaknesses.md lists them
// with their sources.

import { getCiphers } from 'node:tls';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SenderTimeouts } from '../../src/smtp/sender.ts';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { detachableServer } from '../helpers/detachable-tls.ts';
import type { ScriptedPeer, ScriptedServer, SmtpScript } from '../helpers/scripted-smtp-server.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';
import { waitUntil } from '../helpers/wait.ts';

const fixture = new SenderFixture();
let edge: KeyPair;

beforeAll(async () => {
  edge = await createSelfSigned({ netbiosName: 'EDGE', fqdn: 'edge.test', notBefore: new Date(Date.now() - 60_000) });
});
afterEach(() => fixture.cleanUp());

function serverTls(): { key: string; cert: string } {
  return { key: edge.privateKeyPem, cert: edge.certificate.pem };
}

async function attempt(script: SmtpScript, timeouts: Partial<SenderTimeouts> = {}) {
  const server = await fixture.listen(script);
  return { server, result: await fixture.dial(server.port, { startTls: 'attempt', timeouts }) };
}

/** Nothing of a message was said, in clear or in TLS. */
function expectNothingSaid({ commands, bodies }: ScriptedServer): void {
  expect(commands.filter((line) => !/^(?:EHLO|HELO|STARTTLS)/.test(line))).toEqual([]);
  expect(bodies).toEqual([]);
}

const EHLO_IN_TLS = '250-peer.test\r\n250-AUTH PLAIN\r\n250 SIZE 1\r\n';

describe('NO STARTTLS, response injection', () => {
  it.each([
    ['an answer to EHLO', EHLO_IN_TLS],
    ['the answers to a whole session', `${EHLO_IN_TLS}250 Ok\r\n250 Ok\r\n354 Go\r\n250 Queued\r\n`],
    ['a fragment without an end', '250-AUTH PLAIN'],
    ['a lone octet', '2'],
    ['a lone line feed', '\n'],
    ['a second 220', '220 Ready\r\n'],
    ['a refusal', '550 5.7.1 No\r\n'],
  ])('takes nothing of the clear text behind the 220 for an answer in TLS: %s', async (_what, injected) => {
    const { server, result } = await attempt({
      keywords: ['STARTTLS'],
      answers: {
        STARTTLS: async (_line, peer) => {
          peer.socket.cork();
          peer.say('220 Ready');
          peer.socket.write(injected);
          peer.socket.uncork();
          return undefined;
        },
      },
    });
    expect(result).toMatchObject({
      kind: 'failed',
      phase: 'starttls',
      permanent: false,
      tls: { kind: 'failed', cause: 'protocol', code: 'PLAINTEXT_INJECTED' },
    });
    expectNothingSaid(server);
  });

  it('does not go on when the injected text comes a moment later, into the handshake', async () => {
    const { server, result } = await attempt({
      keywords: ['STARTTLS'],
      answers: {
        STARTTLS: async (_line, peer) => {
          peer.say('220 Ready');
          await new Promise((resolve) => setTimeout(resolve, 20));
          peer.socket.write(EHLO_IN_TLS);
          return undefined;
        },
      },
    });
    expect(result).toMatchObject({ kind: 'failed', phase: 'starttls', tls: { kind: 'failed', cause: 'protocol' } });
    expectNothingSaid(server);
  });

  it('waits for the rest of a reply that was begun behind the 220, and no handshake is made', async () => {
    const STARTTLS = '220 Ready\r\n250-peer.test';
    const { server, result } = await attempt({ keywords: ['STARTTLS'], answers: { STARTTLS } }, { ehloMs: 1000 });
    expect(result).toMatchObject({ kind: 'failed', phase: 'starttls', tls: { kind: 'failed', code: 'ETIMEDOUT' } });
    expectNothingSaid(server);
  });

  it('begins no TLS on the strength of a 220 that came ahead of the command', async () => {
    const answers: SmtpScript['answers'] = {
      EHLO: '250-peer.test\r\n250 STARTTLS\r\n220 Ready',
      STARTTLS: '220 Ready',
    };
    const { server, result } = await attempt({ answers });
    expect(result).toMatchObject({ kind: 'failed', tls: { kind: 'failed', cause: 'protocol' } });
    expectNothingSaid(server);
  });
});

describe('NO STARTTLS, tampered capabilities and session fixation', () => {
  it('forgets all that was announced in clear', async () => {
    const { result } = await attempt({
      keywords: ['STARTTLS', 'SIZE 1', 'AUTH PLAIN', 'PIPELINING', 'SMTPUTF8', 'CHUNKING', 'X-EVIL'],
      keywordsInTls: ['8BITMIME'],
      tls: serverTls(),
    });
    if (result.kind !== 'connected') throw new Error(result.code);
    expect(result.session.tls.kind).toBe('established');
    expect([...result.session.capabilities.keys()]).toEqual(['8BITMIME']);
  });

  it('does not begin TLS in TLS, however often it is offered', async () => {
    const { server, result } = await attempt({
      keywords: ['STARTTLS'],
      keywordsInTls: ['STARTTLS', 'STARTTLS'],
      tls: serverTls(),
    });
    if (result.kind !== 'connected') throw new Error(result.code);
    expect((await result.session.send(makeMessage())).recipients[0]?.status).toBe('delivered');
    expect(server.commands.filter((line) => line === 'STARTTLS')).toHaveLength(1);
  });

  it.each([
    ['left out', '250-peer.test\r\n250 SIZE'],
    ['overwritten', '250-peer.test\r\n250-XXXXXXXA\r\n250 SIZE'],
    ['cut in two', '250-peer.test\r\n250-START TLS\r\n250 SIZE'],
    ['hidden in the name', '250-peer.test STARTTLS\r\n250 SIZE'],
    ['lost to HELO', '502 5.5.1 Unknown'],
  ])('says so when STARTTLS is stripped, and leaves to the judge whether to go on: %s', async (_how, EHLO) => {
    const { server, result } = await attempt({ answers: { EHLO } });
    if (result.kind !== 'connected') throw new Error(result.code);
    expect(result.session.tls).toEqual({ kind: 'not-offered' });
    expect(result.session.startTlsOffered).toBe(false);
    expectNothingSaid(server);
  });

  it.each(['454 4.7.0 Not now', '502 5.5.1 Unknown', '250 Ok', '554 5.7.3 No'])(
    'says so when STARTTLS is refused with %j, and sends nothing by itself',
    async (STARTTLS) => {
      const { server, result } = await attempt({ keywords: ['STARTTLS'], answers: { STARTTLS } });
      if (result.kind !== 'connected') throw new Error(result.code);
      expect(result.session.tls).toMatchObject({ kind: 'refused', reply: { code: Number(STARTTLS.slice(0, 3)) } });
      expectNothingSaid(server);
    },
  );
});

describe('Dead.Letter', () => {
  it('believes no answer in clear after TLS has ended on the same connection', async () => {
    let isBegun = false;
    const { result } = await attempt({
      keywords: ['STARTTLS'],
      answers: {
        STARTTLS: async (_line, peer) => {
          peer.say('220 Ready');
          await endTlsAfterBody(peer, () => {
            isBegun = true;
          });
          return undefined;
        },
      },
    });
    if (result.kind !== 'connected') throw new Error(result.code);
    const sent = await result.session.send(makeMessage());
    expect(isBegun).toBe(true);
    expect(sent.recipients.map(({ status }) => status)).toEqual(['deferred', 'deferred']);
    expect(result.session.alive).toBe(false);
  });

  /** Polite in TLS up to the dot, then TLS ends and the 250 comes in clear. */
  async function endTlsAfterBody(peer: ScriptedPeer, begun: () => void): Promise<void> {
    const tcp = peer.socket;
    const secured = await detachableServer(tcp, serverTls());
    let heard = '';
    secured.on('data', (octets: Buffer) => {
      const text = octets.toString();
      heard += text;
      if (text.startsWith('EHLO')) secured.write('250 peer.test\r\n');
      else if (text.startsWith('DATA')) secured.write('354 Go on\r\n');
      else if (/^(?:MAIL|RCPT)/.test(text)) secured.write('250 Ok\r\n');
    });
    secured.on('data', () => {
      if (!heard.endsWith('\r\n.\r\n')) return;
      begun();
      const before = tcp.bytesWritten;
      secured.end();
      const clearText = setInterval(() => {
        if (tcp.bytesWritten === before) return;
        clearInterval(clearText);
        tcp.write('250 2.0.0 Queued\r\n');
      }, 5);
    });
  }
});

describe('ALPACA and Opossum', () => {
  it.each([
    ['a web server', 'HTTP/1.1 400 Bad Request'],
    ['IMAP', '* OK [PREAUTH] ready'],
    ['POP3', '+OK ready'],
    ['SSH', 'SSH-2.0-OpenSSH_9.2'],
  ])('takes %s for no mail server', async (_what, greeting) => {
    const { server, result } = await attempt({ greeting });
    expect(result).toMatchObject({ kind: 'failed', phase: 'greeting', code: 'REPLY_MALFORMED', permanent: false });
    expect(server.commands).toEqual([]);
  });

  it('takes an FTP server for no mail server', async () => {
    const unknown = '500 Unknown command';
    const { server, result } = await attempt({ greeting: '220 FTP', answers: { EHLO: unknown, HELO: unknown } });
    expect(result).toMatchObject({ kind: 'failed', phase: 'ehlo' });
    expectNothingSaid(server);
  });

  it('notices that its TLS was led to a port of implicit TLS, which greets in it', async () => {
    const { server, result } = await attempt({
      answers: {
        EHLO: (_line, peer) =>
          'encrypted' in peer.socket ? '220 peer.test ESMTP\r\n250 peer.test' : '250-peer.test\r\n250 STARTTLS',
      },
      tls: serverTls(),
    });
    expect(result).toMatchObject({ kind: 'failed', phase: 'ehlo', permanent: false, reply: { code: 220 } });
    expectNothingSaid(server);
  });
});

describe('downgrade', () => {
  const strong = /^ECDHE-(?:RSA|ECDSA)-(?:AES\d+-GCM-|CHACHA20-)/;
  const weak = getCiphers()
    .map((name) => name.toUpperCase())
    .filter((name) => /^(?:ECDHE-RSA|DHE-RSA|AES|DES|RC4|CAMELLIA)/.test(name) && !strong.test(name));

  it.each([
    ['TLS 1.0', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['RC4, 3DES, CBC and static RSA', { maxVersion: 'TLSv1.2', ciphers: `${weak.join(':')}:@SECLEVEL=0` }],
  ] as const)('shakes no hands over %s', async (_what, options) => {
    const { server, result } = await attempt({ keywords: ['STARTTLS'], tls: { ...serverTls(), ...options } });
    expect(result).toMatchObject({ kind: 'failed', phase: 'starttls', tls: { kind: 'failed' } });
    expectNothingSaid(server);
  });

  it('does not go on in clear on the same connection after a handshake that failed', async () => {
    const { server, result } = await attempt({
      keywords: ['STARTTLS'],
      answers: {
        STARTTLS: async (_line, peer) => {
          peer.say('220 Ready');
          // A fatal alert: handshake_failure.
          peer.socket.once('data', () => peer.socket.write(Buffer.from('15030300020228', 'hex')));
          return undefined;
        },
      },
    });
    expect(result).toMatchObject({ kind: 'failed', phase: 'starttls', tls: { kind: 'failed', cause: 'alert' } });
    await waitUntil('its end', () => server.peers[0]?.socket.readableEnded);
    expectNothingSaid(server);
  });
});
