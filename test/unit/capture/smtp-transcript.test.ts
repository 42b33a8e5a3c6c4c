// A session as text, from octets as they are on the wire: real handshakes of TLS 1.3, opened with the secrets that the engine gave.

import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { connect, TLSSocket } from 'node:tls';
import { describe, expect, it } from 'vitest';
import type { SentOctets } from '../../../src/capture/session-octets.ts';
import { type TranscriptLine, transcribe } from '../../../src/capture/smtp-transcript.ts';
import { createEcCertificate } from '../../helpers/ec-certificate.ts';

const TIME = new Date('2026-11-26T12:00:00.000Z');

function clear(side: SentOctets['side'], text: string): SentOctets {
  return { time: TIME, side, octets: Buffer.from(text) };
}

function said(lines: readonly TranscriptLine[]): string[] {
  return lines.map(({ side, isEncrypted, text }) => `${side?.charAt(0) ?? '-'}${isEncrypted ? '#' : ' '} ${text}`);
}

const PREFACE = [
  clear('server', '220 edge01 ready\r\n'),
  clear('client', 'EHLO hub01\r\nSTART'),
  clear('client', 'TLS\r\n'),
  clear('server', '250-edge01\r\n250 STARTTLS\r\n'),
  clear('server', '220 go ahead\r\n'),
];

/** What two engines sent each other, in turn, and their key log. */
async function converse(
  ciphers: string,
  turns: readonly (readonly ['client' | 'server', string])[],
): Promise<{ sent: SentOctets[]; keyLog: string }> {
  const { certificatePem: cert, privateKeyPem: key } = createEcCertificate('edge01');
  const [client, clientWire] = duplexPair();
  const [server, serverWire] = duplexPair();
  const sent: SentOctets[] = [];
  const carry = (side: SentOctets['side'], from: typeof client, to: typeof client): void => {
    from.on('data', (octets: Buffer) => {
      sent.push({ time: TIME, side, octets });
      to.write(octets);
    });
  };
  carry('client', clientWire, serverWire);
  carry('server', serverWire, clientWire);
  const inner = new TLSSocket(server, { isServer: true, cert, key, ciphers });
  const outer = connect({ socket: client, rejectUnauthorized: false, ciphers, minVersion: 'TLSv1.3' });
  let keyLog = '';
  outer.on('keylog', (line: Buffer) => {
    keyLog += line.toString();
  });
  await once(outer, 'secureConnect');
  for (const [side, text] of turns) {
    const [from, to] = side === 'client' ? [outer, inner] : [inner, outer];
    const arrived = once(to, 'data');
    from.write(text);
    await arrived;
  }
  outer.destroy();
  inner.destroy();
  return { sent, keyLog };
}

describe('transcribe', () => {
  it.each(['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'])(
    'opens %s and says what was in clear and what was not',
    async (suite) => {
      const { sent, keyLog } = await converse(suite, [
        ['client', 'EHLO hub01\r\n'],
        ['server', '250 edge01\r\n'],
        ['client', 'DATA\r\n'],
        ['server', '354 go on\r\n'],
        ['client', `Subject: x\r\n\r\n${'y'.repeat(40_000)}\r\n.\r\nQUIT\r\n`],
      ]);
      expect(said(transcribe({ sent: [...PREFACE, ...sent], keyLog }))).toEqual([
        's  220 edge01 ready',
        'c  EHLO hub01',
        'c  STARTTLS',
        's  250-edge01',
        's  250 STARTTLS',
        's  220 go ahead',
        `-# TLS, ${suite}`,
        'c# EHLO hub01',
        's# 250 edge01',
        'c# DATA',
        's# 354 go on',
        '-# 40016 octets of the message',
        'c# .',
        'c# QUIT',
      ]);
    },
  );

  it('says that it cannot open what it has no secrets of', async () => {
    const { sent } = await converse('TLS_AES_128_GCM_SHA256', [['client', 'EHLO hub01\r\n']]);
    expect(said(transcribe({ sent: [...PREFACE, ...sent], keyLog: '' })).at(-1)).toMatch(/not opened here/);
  });

  it('counts chunks, and shows neither passwords nor mail', () => {
    const lines = transcribe({
      keyLog: '',
      sent: [
        clear('client', 'AUTH PLAIN AGFkbWluAHNlY3JldA==\r\n'),
        clear('server', '334 \r\n'),
        clear('client', 'c2VjcmV0\r\n'),
        clear('server', '235 ok\r\n'),
        clear('client', 'BDAT 20\r\nSTARTTLS\r\n.\r\n\u0016\u0003'),
        clear('client', '\r\n0123RSET\r\n'),
      ],
    });
    expect(said(lines)).toEqual([
      'c  AUTH PLAIN ...',
      's  334 ',
      'c  ...',
      's  235 ok',
      'c  BDAT 20',
      '-  20 octets of the message',
      'c  3RSET',
    ]);
  });
});
