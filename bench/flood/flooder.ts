// One flood, as a process of its own that goes on until it is killed: `node bench/flood/flooder.ts NAME PORT PART PARTS`. Each source
// address of the loopback has as many connections as one stranger may, so that no limit of a source holds the flood off. Says
// 'standing' once every connection of it has been tried.

import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setTimeout as delay } from 'node:timers/promises';
import { FLOODS, type FloodName, PER_SOURCE } from './floods.ts';

const [name = '', portText = '', partText = '0', partsText = '1'] = process.argv.slice(2);
const flood = name as FloodName;
const port = Number(portText);
const [part, parts] = [Number(partText), Number(partsText)];
/** So many connections are opened at once. */
const OPENED_AT_ONCE = 50;
/** One that was shed comes back after so long. */
const RETURN_MS = 10_000;
const FILLING = Buffer.from('x'.repeat(16_384));
const HEADER = Buffer.from(`X-Filling: ${'x'.repeat(60)}\r\n`.repeat(200));
const NOOPS = Buffer.from('NOOP\r\n'.repeat(500));
const RECIPIENTS = Buffer.from('RCPT TO:<b@bench.test>\r\n'.repeat(500));
const MAIL = 'HELO flood.test\r\nMAIL FROM:<a@flood.test>\r\n';
const MANY_RECIPIENTS = Array.from({ length: 200 }, (_, each) => `RCPT TO:<someone-${each}@bench.test>\r\n`).join('');

function sourceOf(index: number): string {
  const source = Math.floor(index / PER_SOURCE) + 1;
  return `127.1.${Math.floor(source / 250)}.${1 + (source % 250)}`;
}

/** A connection; resolves when it stands or has failed. */
async function open(index: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: sourceOf(index), noDelay: true });
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => {
    socket.once('connect', () => resolve()).once('close', () => resolve());
  });
  return socket;
}

function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
}

/** Writes one thing again and again, as fast as the other side takes it. */
async function pour(socket: Socket, octets: Buffer): Promise<void> {
  const gone = ended(socket);
  while (!socket.destroyed) {
    if (socket.write(octets)) await delay(0);
    else await Promise.race([new Promise<void>((resolve) => socket.once('drain', () => resolve())), gone]);
  }
}

/** Reads what comes until it is as expected. */
function heard(socket: Socket, expected: RegExp): Promise<void> {
  return new Promise((resolve) => {
    let text = '';
    const look = (chunk: Buffer): void => {
      text = (text + chunk.toString('latin1')).slice(-2000);
      if (!expected.test(text)) return;
      socket.off('data', look);
      resolve();
    };
    socket.on('data', look).once('close', () => resolve());
  });
}

/** Goes over to TLS; undefined when it came to nothing. */
async function secure(socket: Socket): Promise<Socket | undefined> {
  await heard(socket, /^220 /m);
  socket.write('EHLO flood.test\r\n');
  await heard(socket, /^250 /m);
  socket.write('STARTTLS\r\n');
  await heard(socket, /^220 /m);
  if (socket.destroyed) return undefined;
  const secured = connectTls({ socket, rejectUnauthorized: false });
  secured.on('error', () => undefined);
  await Promise.race([new Promise<void>((resolve) => secured.once('secureConnect', () => resolve())), ended(socket)]);
  return secured;
}

/** What one connection does until it is closed. */
const DEEDS: Readonly<Record<FloodName, (socket: Socket) => Promise<void>>> = {
  idle: async (socket) => {
    socket.resume();
    await ended(socket);
  },
  slow: async (socket) => {
    socket.resume();
    const gone = ended(socket);
    for (const octet of 'EHLO slow.test'.repeat(1000)) {
      if (socket.destroyed) return;
      socket.write(octet);
      await Promise.race([delay(1000), gone]);
    }
  },
  unread: async (socket) => {
    socket.pause();
    socket.write(MAIL);
    await pour(socket, RECIPIENTS);
  },
  header: async (socket) => {
    await heard(socket, /^220 /m);
    socket.write(`${MAIL}RCPT TO:<b@bench.test>\r\nDATA\r\n`);
    await heard(socket, /^354 /m);
    socket.resume();
    await pour(socket, HEADER);
  },
  line: async (socket) => {
    socket.resume();
    await pour(socket, FILLING);
  },
  storm: async (socket) => {
    await heard(socket, /^220 /m);
    socket.resume();
    socket.write(MAIL);
    await pour(socket, RECIPIENTS);
  },
  noop: async (socket) => {
    await heard(socket, /^220 /m);
    socket.resume();
    await pour(socket, NOOPS);
  },
  churn: async (socket) => {
    await heard(socket, /^220 /m);
    socket.destroy();
  },
  tls: async (socket) => {
    (await secure(socket))?.destroy();
  },
  secured: async (socket) => {
    (await secure(socket))?.resume();
    await ended(socket);
  },
  laden: async (socket) => {
    await heard(socket, /^220 /m);
    socket.write(`${MAIL}${MANY_RECIPIENTS}DATA\r\n`);
    await heard(socket, /^354 /m);
    socket.resume().write(Buffer.from(`X-Filling: ${'x'.repeat(60)}\r\n`.repeat(800)));
    await ended(socket);
  },
};

async function keepUp(index: number, first: Socket): Promise<never> {
  const isChurning = flood === 'churn' || flood === 'tls';
  for (let socket = first; ; socket = await open(index)) {
    await DEEDS[flood](socket);
    socket.destroy();
    if (!isChurning) await delay(RETURN_MS);
  }
}

const indexes = Array.from({ length: FLOODS[flood].connections }, (_, index) => index).filter(
  (index) => index % parts === part,
);
for (let from = 0; from < indexes.length; from += OPENED_AT_ONCE) {
  const group = indexes.slice(from, from + OPENED_AT_ONCE);
  const sockets = await Promise.all(group.map((index) => open(index)));
  for (const [place, index] of group.entries()) void keepUp(index, sockets[place] as Socket);
}
process.send?.('standing');
