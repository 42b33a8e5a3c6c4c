// A tapped socket is used as any other: what is promised of a socket must hold, and the tap must hear all of it.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Tap } from '../../../src/capture/tap.ts';
import { tapSocket } from '../../../src/capture/tapped-socket.ts';

/** Notes what it is told, neighbouring octets joined; great masses only pass by. */
class NotingTap implements Tap {
  readonly file = 'none';
  readonly heard: string[] = [];

  received = (octets: Buffer): void => this.#octets('<', octets);
  sent = (octets: Buffer): void => this.#octets('>', octets);
  ended = (by: string): void => void this.heard.push(`${by} ended`);
  reset = (): void => void this.heard.push('reset');
  closed = (): void => void this.heard.push('closed');
  handshakeBegins = (): void => undefined;
  handshakeEnds = (): void => undefined;
  secret = (): void => undefined;
  note = (): void => undefined;

  #octets(mark: string, octets: Buffer): void {
    if (octets.length > 1000) return;
    if (this.heard.at(-1)?.startsWith(mark) === true) this.heard.push(`${this.heard.pop()}${octets.toString()}`);
    else this.heard.push(`${mark}${octets.toString()}`);
  }
}

let server: Server;
let tap: NotingTap;
const sockets: Socket[] = [];

beforeEach(async () => {
  tap = new NotingTap();
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** Both ends of a connection; the accepted one has the tap in it. */
async function open(): Promise<{ near: Socket; far: Socket }> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  const [raw] = await accepted;
  sockets.push(far, raw);
  far.on('error', () => undefined);
  return { near: tapSocket(raw, tap), far };
}

describe('a tapped socket', () => {
  it('passes both ways on, and knows where it is', async () => {
    const { near, far } = await open();
    expect(near.remotePort).toBe(far.localPort);
    expect(near.localAddress).toBe('127.0.0.1');
    far.write('EHLO\r\n');
    const [heard] = (await once(near, 'data')) as [Buffer];
    expect(heard.toString()).toBe('EHLO\r\n');
    near.write('250 OK\r\n');
    await once(far, 'data');
    expect(tap.heard).toEqual(['<EHLO\r\n', '>250 OK\r\n']);
  });

  it('reads nothing before somebody wants it', async () => {
    const { near, far } = await open();
    far.write('early');
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 50);
    });
    expect(tap.heard).toEqual([]);
    const [heard] = (await once(near, 'data')) as [Buffer];
    expect(heard.toString()).toBe('early');
  });

  it('holds a writer back while the reader rests, and loses nothing', async () => {
    const { near, far } = await open();
    const size = 20 * 2 ** 20;
    far.end(Buffer.alloc(size, 'x'));
    await new Promise<void>((resolve) => {
      setTimeout(resolve, 200);
    });
    expect(far.writableLength).toBeGreaterThan(0);
    expect((await buffer(near)).length).toBe(size);
  });

  it('answers an end with its own, after what was still to be read', async () => {
    const { near, far } = await open();
    far.end('last words');
    const [heard] = await Promise.all([buffer(near), once(far, 'close'), once(near, 'close')]);
    expect(heard.toString()).toBe('last words');
    expect(tap.heard).toEqual(['<last words', 'remote ended', 'local ended', 'closed']);
  });

  it('ends in order, and reads on until the other side ends too', async () => {
    const { near, far } = await open();
    near.end('221 Bye\r\n');
    far.allowHalfOpen = true;
    far.once('end', () => far.end('late')).resume();
    const [heard] = await Promise.all([buffer(near), once(near, 'close')]);
    expect(heard.toString()).toBe('late');
    expect(tap.heard).toEqual(['>221 Bye\r\n', 'local ended', '<late', 'remote ended', 'closed']);
  });

  it('fails as a socket fails when the other side resets', async () => {
    const { near, far } = await open();
    near.resume();
    const failed = once(near, 'error') as Promise<[NodeJS.ErrnoException]>;
    far.resetAndDestroy();
    const [error] = await failed;
    expect(error).toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
    expect(tap.heard).toEqual(['reset', 'closed']);
  });

  it('goes with the socket when it is destroyed', async () => {
    const { near, far } = await open();
    far.resume();
    near.destroy();
    await Promise.all([once(near, 'close'), once(far, 'close')]);
    expect(tap.heard).toEqual(['closed']);
  });
});
