// A socket with a tap in it: whoever uses it, TLS engine included, reads and writes through this object, so that the tap sees
// every octet as it goes over the wire. Node's own sockets hand TLS its octets below JavaScript, where nobody can watch.

import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Tap } from './tap.ts';

/** The socket to use from now on. To be called before anybody reads from `socket` or listens to it. */
export function tapSocket(socket: Socket, tap: Tap): Socket {
  // A Duplex with the members of a Socket that the wires use; TLS takes any Duplex.
  return new TappedSocket(socket, tap) as unknown as Socket;
}

type Done = (error?: Error | null) => void;

class TappedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #tap: Tap;
  /** They are asked for when the socket may be gone. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;

  constructor(socket: Socket, tap: Tap) {
    super({ allowHalfOpen: socket.allowHalfOpen });
    this.#socket = socket;
    this.#tap = tap;
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.remoteFamily = socket.remoteFamily;
    this.localAddress = socket.localAddress;
    this.localPort = socket.localPort;
    // When this side ends is said here, not by the socket below.
    socket.allowHalfOpen = true;
    // Or listening to it would set it flowing.
    socket.pause();
    socket.on('data', (octets: Buffer) => {
      tap.received(octets);
      if (!this.push(octets)) socket.pause();
    });
    socket.once('end', () => {
      tap.ended('remote');
      this.push(null);
    });
    socket.on('error', (error: Error) => {
      tap.reset();
      this.destroy(error);
    });
    socket.once('close', () => {
      // What was read and not yet taken from here still can be.
      if (!socket.readableEnded) this.destroy();
    });
    socket.on('timeout', () => this.emit('timeout'));
  }

  setTimeout(timeoutMs: number, listener?: () => void): this {
    this.#socket.setTimeout(timeoutMs);
    if (listener) this.once('timeout', listener);
    return this;
  }

  setNoDelay(noDelay?: boolean): this {
    this.#socket.setNoDelay(noDelay);
    return this;
  }

  setKeepAlive(enable?: boolean, initialDelayMs?: number): this {
    this.#socket.setKeepAlive(enable, initialDelayMs);
    return this;
  }

  ref(): this {
    this.#socket.ref();
    return this;
  }

  unref(): this {
    this.#socket.unref();
    return this;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#tap.sent(octets);
    this.#socket.write(octets, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'binary', done);
  }

  override _final(done: Done): void {
    this.#tap.ended('local');
    if (this.#socket.destroyed) return done();
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    const finish = (): void => {
      this.#tap.closed();
      done(error);
    };
    if (this.#socket.closed) return finish();
    this.#socket.once('close', finish);
    this.#socket.destroy();
  }
}
