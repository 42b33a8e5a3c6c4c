// A small flood of each kind, with room for a part of it: an honest client is served, by the server's own rules. How long it waits
// is the bench's affair (npm run bench:flood).

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { KeyPair } from '../../src/tls/key-pair.ts';
import { createSelfSigned } from '../../src/tls/self-signed.ts';
import { ListenerBench } from '../helpers/listener-bench.ts';
import { makeReceiverPolicy } from '../helpers/receiver-policy.ts';

const bench = new ListenerBench();
let flood: Socket[] = [];
let keyPair: KeyPair;

beforeAll(async () => {
  const notBefore = new Date(Date.now() - 60_000);
  keyPair = await createSelfSigned({ netbiosName: 'EDGE01', fqdn: 'edge01.test', notBefore });
});

afterEach(async () => {
  for (const socket of flood) socket.destroy();
  flood = [];
  await bench.clear();
});

const MANY = 120;
/** Flood and server share a process here. */
const FEW = 12;
const PER_SOURCE = 4;

/** Each from an address that has no more than it may; resolves when all of them are connected. */
async function open(port: number, count: number, deed: (socket: Socket) => void): Promise<void> {
  flood = Array.from({ length: count }, (_, index) =>
    connect({ host: '127.0.0.1', port, localAddress: `127.0.1.${1 + Math.floor(index / PER_SOURCE)}` }),
  );
  for (const socket of flood) socket.on('error', () => undefined);
  await Promise.all(flood.map((socket) => once(socket, 'connect')));
  for (const socket of flood) deed(socket);
}

/** Writes as fast as the other side takes it. */
function pour(socket: Socket, octets: Buffer): void {
  const more = (): void => {
    for (let left = 20; left > 0 && !socket.destroyed; left -= 1) if (!socket.write(octets)) return;
    setImmediate(more);
  };
  socket.on('drain', more);
  more();
}

/** Leaves once it was greeted, and comes back. */
function comeAndGo(socket: Socket): void {
  const { remotePort: port = 0, localAddress = '' } = socket;
  socket.once('data', () => {
    socket.destroy();
    const next = connect({ host: '127.0.0.1', port, localAddress }).on('error', () => undefined);
    flood.push(next);
    if (flood.length < 10 * MANY) next.once('connect', () => comeAndGo(next));
  });
}

const NOOPS = Buffer.from('NOOP\r\n'.repeat(500));
/** A command that carries mail is no reason to end the session. */
const RECIPIENTS = Buffer.from('RCPT TO:<b@edge01.test>\r\n'.repeat(500));
const MAIL = 'HELO a.test\r\nMAIL FROM:<a@a.test>\r\n';
const BODY = Buffer.from(`X-Filling: ${'x'.repeat(60)}\r\n`.repeat(100));
const ENVELOPE = `${MAIL}RCPT TO:<b@edge01.test>\r\nDATA\r\n`;

describe('an honest client is served', () => {
  it.each<[string, number, (socket: Socket) => void]>([
    ['while others connect and say nothing', MANY, (socket) => socket.resume()],
    ['while others never end a command', MANY, (socket) => socket.resume().write('EH')],
    [
      'while others send recipients and read no reply',
      FEW,
      (socket) => {
        socket.pause().write(MAIL);
        pour(socket, RECIPIENTS);
      },
    ],
    [
      'while others send recipients without pause',
      FEW,
      (socket) => {
        socket.resume().write(MAIL);
        pour(socket, RECIPIENTS);
      },
    ],
    ['while others send commands without mail and without pause', FEW, (socket) => pour(socket.resume(), NOOPS)],
    ['while others begin TLS and never go on', MANY, (socket) => socket.resume().write('EHLO a.test\r\nSTARTTLS\r\n')],
    ['while others come and go', MANY, (socket) => comeAndGo(socket)],
    ['while others send lines without end', FEW, (socket) => pour(socket.resume(), Buffer.alloc(4096, 'x'))],
    [
      'while others send headers without end',
      FEW,
      (socket) => {
        socket.resume().write(ENVELOPE);
        pour(socket, BODY);
      },
    ],
  ])('%s', { timeout: 60_000 }, async (_, count, deed) => {
    const { policy, notes } = makeReceiverPolicy({ keyPair, server: { maxConnections: count / 3 } });
    const port = await bench.listen(policy);
    await open(port, count, deed);
    for (let left = 3; left > 0; left -= 1) {
      const client = await bench.greet(port);
      const answers = [await client.ask('MAIL FROM:<a@client.test>'), await client.ask('RCPT TO:<b@edge01.test>')];
      expect([...answers, await client.ask('DATA')].map((answer) => answer.slice(0, 3))).toEqual(['250', '250', '354']);
      client.write('Subject: honest\r\n\r\nhello\r\n');
      expect(await client.ask('.')).toMatch(/^250 2\.6\.0/);
      client.destroy();
    }
    expect([notes.accepted.length, notes.refusals]).toEqual([3, []]);
  });
});
