// The sender's promise for STARTTLS: every way in which it can go is told apart, and nothing falls back by itself.

import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { SMTPServer } from 'smtp-server';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import type { ScriptedPeer } from '../helpers/scripted-smtp-server.ts';
import { makeMessage, SenderFixture } from '../helpers/sender-fixture.ts';

const fixture = new SenderFixture();
let hub: KeyPair;
let edge: KeyPair;

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 60_000);
  [hub, edge] = await Promise.all([
    createSelfSigned({ netbiosName: 'HUB', fqdn: 'hub.test', notBefore }),
    createSelfSigned({ netbiosName: 'EDGE', fqdn: 'edge.test', notBefore }),
  ]);
});
afterEach(() => fixture.cleanUp());

function serverTls(): { key: string; cert: string } {
  return { key: edge.privateKeyPem, cert: edge.certificate.pem };
}

/** Listens with STARTTLS on offer and `starttls` as the way it goes, and dials it. */
async function attempt(starttls: (peer: ScriptedPeer) => void | Promise<void>, options = {}) {
  const answers = {
    STARTTLS: async (_line: string, peer: ScriptedPeer) => {
      await starttls(peer);
      return undefined;
    },
  };
  const server = await fixture.listen({ keywords: ['STARTTLS'], answers });
  return fixture.dial(server.port, { startTls: 'attempt', timeouts: { tlsMs: 500, ehloMs: 500 }, ...options });
}

function failedWith(cause: string, code: unknown) {
  return { kind: 'failed', phase: 'starttls', permanent: false, code, tls: { kind: 'failed', cause, code } };
}

describe('STARTTLS', () => {
  it('is established with the facts of the session and the capabilities said in TLS', async () => {
    const keywordsInTls = ['SIZE 5', 'AUTH EXTERNAL'];
    const tls = { ...serverTls(), requestCert: true, rejectUnauthorized: false };
    const server = await fixture.listen({ keywords: ['STARTTLS', 'SIZE 9', 'X-CLEAR'], keywordsInTls, tls });
    const session = await fixture.connect(server.port, {
      startTls: 'attempt',
      servername: 'edge.test',
      clientCertificate: hub,
    });
    if (session.tls.kind !== 'established') throw new Error(session.tls.kind);
    expect(session.tls.session).toMatchObject({
      protocol: 'TLSv1.3',
      servername: 'edge.test',
      resumed: false,
      peerChainTrusted: false,
    });
    expect(session.tls.session.peerCertificate?.thumbprint).toBe(edge.certificate.thumbprint);
    expect(session.tls.session.localCertificate?.thumbprint).toBe(hub.certificate.thumbprint);
    expect(session.startTlsOffered).toBe(true);
    expect(Object.fromEntries(session.capabilities)).toEqual({ SIZE: '5', AUTH: 'EXTERNAL' });
    const socket = server.peers[0]?.socket as TLSSocket | undefined;
    expect(socket?.getPeerX509Certificate()?.raw).toEqual(hub.certificate.der);
    expect(server.commands).toEqual(['EHLO sender.test', 'STARTTLS', 'EHLO sender.test']);
    expect((await session.send(makeMessage({ sizeBytes: 5 }))).recipients[0]?.status).toBe('delivered');
  });

  it.each([
    ['in clear it counts for nothing', ['STARTTLS', 'REQUIRETLS'], [], false],
    ['in TLS it counts', ['STARTTLS'], ['REQUIRETLS'], true],
  ])('REQUIRETLS is believed in TLS alone: %s', async (_what, keywords, keywordsInTls, isBelieved) => {
    const server = await fixture.listen({ keywords, keywordsInTls, tls: serverTls() });
    const clear = await fixture.connect(server.port, { startTls: 'never' });
    expect(clear.capabilities.has('REQUIRETLS')).toBe(false);
    const session = await fixture.connect(server.port, { startTls: 'attempt' });
    expect(session.capabilities.has('REQUIRETLS')).toBe(isBelieved);
    const { recipients } = await session.send(makeMessage({ requireTls: 'demanded' }));
    expect(recipients[0]?.status).toBe(isBelieved ? 'delivered' : 'failed');
    const said = server.commands.filter((line) => line.startsWith('MAIL'));
    expect(said).toEqual(isBelieved ? ['MAIL FROM:<from@hub.test> REQUIRETLS'] : []);
  });

  it('goes as low as TLS 1.2', async () => {
    const server = await fixture.listen({ keywords: ['STARTTLS'], tls: { ...serverTls(), maxVersion: 'TLSv1.2' } });
    const session = await fixture.connect(server.port, { startTls: 'attempt' });
    expect(session.tls).toMatchObject({ kind: 'established', session: { protocol: 'TLSv1.2' } });
  });

  it('never resumes a session', async () => {
    const server = await fixture.listen({ keywords: ['STARTTLS'], tls: serverTls() });
    for (let count = 0; count < 3; count += 1) {
      const session = await fixture.connect(server.port, { startTls: 'attempt', servername: 'edge.test' });
      expect(session.tls).toMatchObject({ kind: 'established', session: { resumed: false } });
      await session.quit();
    }
  });

  it('is not sent when it is never wanted, and the offer is reported', async () => {
    const server = await fixture.listen({ keywords: ['STARTTLS'], tls: serverTls() });
    const session = await fixture.connect(server.port, { startTls: 'never' });
    expect(session.tls).toEqual({ kind: 'not-attempted' });
    expect(session.startTlsOffered).toBe(true);
    expect(server.commands).toEqual(['EHLO sender.test']);
  });

  it.each(['250-peer STARTTLS\r\n250 X-STARTTLS', '250-STARTTLS.peer.test\r\n250-STARTTLS-X\r\n250 X STARTTLS'])(
    'is not sent when only something like it is offered: %j',
    async (ehlo) => {
      const server = await fixture.listen({ answers: { EHLO: ehlo } });
      const session = await fixture.connect(server.port, { startTls: 'attempt' });
      expect(session.tls).toEqual({ kind: 'not-offered' });
      expect(session.startTlsOffered).toBe(false);
      expect(server.commands).toEqual(['EHLO sender.test']);
    },
  );

  it.each([
    ['454 4.7.0 Not now', { code: 454, enhanced: '4.7.0', text: 'Not now' }],
    ['502 5.5.1 Unknown', { code: 502, enhanced: '5.5.1', text: 'Unknown' }],
    ['250 Ok', { code: 250, enhanced: '', text: 'Ok' }],
    ['354 Go on', { code: 354, enhanced: '', text: 'Go on' }],
  ])('that is refused with %j leaves the same connection usable in clear', async (answer, reply) => {
    const server = await fixture.listen({ keywords: ['STARTTLS', 'SIZE 99'], answers: { STARTTLS: answer } });
    const session = await fixture.connect(server.port, { startTls: 'attempt' });
    expect(session.tls).toEqual({ kind: 'refused', verb: 'STARTTLS', reply });
    expect(session.capabilities.get('SIZE')).toBe('99');
    expect((await session.send(makeMessage())).recipients[0]?.status).toBe('delivered');
    expect(server.peers).toHaveLength(1);
  });

  it('that is answered by 421 is a failure with that reply', async () => {
    const result = await attempt((peer) => peer.say('421 4.3.2 Going'));
    const reply = { code: 421, enhanced: '4.3.2', text: 'Going' };
    expect(result).toEqual({
      kind: 'failed',
      phase: 'starttls',
      tls: { kind: 'refused', verb: 'STARTTLS', reply },
      reply,
      code: 'REPLY_REFUSED',
      permanent: false,
    });
  });
});

describe('a TLS handshake that breaks is reported as failed', () => {
  it('by protocol, when the peer answers garbage', async () => {
    const result = await attempt((peer) => {
      peer.say('220 Ready');
      peer.socket.once('data', () => peer.say('this is not TLS at all'));
    });
    expect(result).toMatchObject(failedWith('protocol', expect.stringMatching(/^ERR_SSL_/)));
  });

  it('by timeout, when the peer is silent', async () => {
    const result = await attempt((peer) => peer.say('220 Ready'), { timeouts: { tlsMs: 50 } });
    expect(result).toMatchObject(failedWith('timeout', 'ETIMEDOUT'));
  });

  it('by timeout, when the peer trickles on without end', async () => {
    const result = await attempt(
      (peer) => {
        peer.say('220 Ready');
        // The head of a handshake record of 16 KiB, then an octet of it at a time.
        peer.socket.once('data', () => {
          peer.socket.write(Buffer.from('160303400002003ffc', 'hex'));
          const timer = setInterval(() => peer.socket.write(Buffer.from([3])), 5);
          peer.socket.once('close', () => clearInterval(timer));
        });
      },
      { timeouts: { tlsMs: 100 } },
    );
    expect(result).toMatchObject(failedWith('timeout', 'ETIMEDOUT'));
  });

  it('as closed, when the peer ends the connection', async () => {
    const result = await attempt((peer) => {
      peer.say('220 Ready');
      peer.socket.once('data', () => peer.hangUp());
    });
    expect(result).toMatchObject(failedWith('closed', 'ECONNCLOSED'));
  });

  it('as closed, when the peer ends the connection in place of an answer to STARTTLS', async () => {
    const result = await attempt((peer) => peer.hangUp());
    expect(result).toMatchObject(failedWith('closed', 'ECONNCLOSED'));
  });

  it('as reset, when the peer resets the connection', async () => {
    const result = await attempt((peer) => {
      peer.say('220 Ready');
      peer.socket.once('data', () => peer.reset());
    });
    expect(result).toMatchObject(failedWith('reset', 'ECONNRESET'));
  });

  it('by alert, when the versions do not meet', async () => {
    const tls = { ...serverTls(), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const result = await attempt((peer) => peer.startTls(tls));
    expect(result).toMatchObject(failedWith('alert', expect.stringMatching(/^ERR_SSL_.*_ALERT_PROTOCOL_VERSION$/)));
  });

  it('by alert, when no cipher suites meet', async () => {
    const tls = { ...serverTls(), maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const;
    const result = await attempt((peer) => peer.startTls(tls));
    expect(result).toMatchObject(failedWith('alert', expect.stringMatching(/^ERR_SSL_.*_ALERT_HANDSHAKE_FAILURE$/)));
  });

  it('by alert, when a server that wants a certificate in TLS 1.3 gets none', async () => {
    const result = await attempt((peer) =>
      peer.startTls({ ...serverTls(), requestCert: true, rejectUnauthorized: true }),
    );
    expect(result).toMatchObject(failedWith('alert', 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'));
  });

  it.each([
    ['closes', 'closed', 'ECONNCLOSED', (peer: ScriptedPeer) => peer.vanish()],
    ['resets', 'reset', 'ECONNRESET', (peer: ScriptedPeer) => peer.reset()],
  ])(
    'when a server dislikes our certificate after the handshake of TLS 1.3 and %s',
    async (_how, cause, code, leave) => {
      const answers = {
        EHLO: (_line: string, peer: ScriptedPeer) => {
          if (!('encrypted' in peer.socket)) return '250-peer.test\r\n250 STARTTLS';
          leave(peer);
          return undefined;
        },
      };
      const tls = { ...serverTls(), requestCert: true, rejectUnauthorized: false };
      const server = await fixture.listen({ answers, tls });
      const result = await fixture.dial(server.port, { startTls: 'attempt', clientCertificate: hub });
      expect(result).toMatchObject(failedWith(cause, code));
    },
  );

  it.each(['220 Ready\r\n250-peer.test\r\n250 AUTH PLAIN', '220 Ready\r\n250 half a li'])(
    'by protocol, when clear text follows the 220: %j',
    async (text) => {
      const result = await attempt((peer) => void peer.socket.write(text.endsWith('li') ? text : `${text}\r\n`));
      expect(result).toMatchObject(failedWith('protocol', 'PLAINTEXT_INJECTED'));
    },
  );

  it('by protocol, when the 220 and more came before STARTTLS was sent', async () => {
    const answers = { EHLO: '250-peer.test\r\n250 STARTTLS\r\n220 Ready\r\n250 AUTH PLAIN' };
    const server = await fixture.listen({ answers });
    const result = await fixture.dial(server.port, { startTls: 'attempt' });
    expect(result).toMatchObject(failedWith('protocol', 'PLAINTEXT_INJECTED'));
  });
});

describe('after the handshake', () => {
  it('a refused EHLO is a failure of EHLO, with TLS established', async () => {
    const ehlo = (_line: string, peer: ScriptedPeer) =>
      'encrypted' in peer.socket ? '421 4.3.2 Going' : '250-peer.test\r\n250 STARTTLS';
    const server = await fixture.listen({ answers: { EHLO: ehlo }, tls: serverTls() });
    const result = await fixture.dial(server.port, { startTls: 'attempt' });
    expect(result).toMatchObject({ kind: 'failed', phase: 'ehlo', reply: { code: 421 }, permanent: false });
    expect(result).toMatchObject({
      tls: { kind: 'established', session: { peerCertificate: { thumbprint: edge.certificate.thumbprint } } },
    });
  });

  it('nothing that was announced in clear counts when the server falls back to HELO', async () => {
    const ehlo = (_line: string, peer: ScriptedPeer) =>
      'encrypted' in peer.socket ? '502 No' : '250-peer.test\r\n250-SIZE 5\r\n250 STARTTLS';
    const server = await fixture.listen({ answers: { EHLO: ehlo }, tls: serverTls() });
    const session = await fixture.connect(server.port, { startTls: 'attempt' });
    expect(session.tls.kind).toBe('established');
    expect(session.capabilities.size).toBe(0);
  });

  it('mail goes to a real server, which sees our certificate and the same octets', async () => {
    const bodies: string[] = [];
    const thumbprints: (string | undefined)[] = [];
    const real = new SMTPServer({
      ...serverTls(),
      authOptional: true,
      disableReverseLookup: true,
      requestCert: true,
      rejectUnauthorized: false,
      onSecure(socket, _session, callback) {
        thumbprints.push((socket as TLSSocket).getPeerX509Certificate()?.fingerprint.replaceAll(':', ''));
        callback();
      },
      onData(stream, _session, callback) {
        stream.setEncoding('latin1');
        let body = '';
        stream.on('data', (text: string) => {
          body += text;
        });
        stream.on('end', () => {
          bodies.push(body);
          callback();
        });
      },
    });
    real.on('error', () => {});
    const listening = real.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    fixture.adopt({ close: () => new Promise((resolve) => real.close(() => resolve())) });
    const address = listening.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const session = await fixture.connect(port, { startTls: 'attempt', clientCertificate: hub });
    expect(session.tls.kind).toBe('established');
    expect((await session.send(makeMessage())).recipients.map(({ status }) => status)).toEqual([
      'delivered',
      'delivered',
    ]);
    expect((await session.send(makeMessage())).reply?.code).toBe(250);
    await session.quit();
    expect(thumbprints).toEqual([hub.certificate.thumbprint]);
    expect(bodies).toEqual(['Subject: test\r\n\r\nhello\r\n', 'Subject: test\r\n\r\nhello\r\n']);
  });
});
