// The socket of one LDAP peer on the server's side: messages out of it in order, answers into it, and its end. Reading stops
// by itself while a request is worked on and while answers back up, so that a peer that sends and does not read fills
// nothing but its own window.

import type { Socket } from 'node:net';
import { PduCutter } from './ber-guard.ts';
import { decodeMessage, type LdapMessage } from './message.ts';
import { encodeNoticeOfDisconnection } from './response.ts';
import type { LdapOutcome } from './result.ts';

/** How long a peer may take to read the notice that ends its connection. */
const LINGER_MS = 1000;

export interface ChannelOptions {
  /** Longest message taken at first, in bytes. */
  limitBytes: number;
  /** Longest wait for a whole message and for room to answer; real time. */
  idleTimeoutMs: number;
}

export class ServerChannel {
  readonly #socket: Socket;
  readonly #cutter: PduCutter;
  readonly #idleTimeoutMs: number;
  #idleTimer: NodeJS.Timeout | undefined;
  #ending = false;

  constructor(socket: Socket, options: ChannelOptions) {
    this.#socket = socket;
    this.#cutter = new PduCutter(options.limitBytes);
    this.#idleTimeoutMs = options.idleTimeoutMs;
    // Errors also come to the reader below; this listener is there for those that come when nobody reads.
    socket.on('error', () => socket.destroy());
  }

  get isOpen(): boolean {
    return !this.#ending && this.#socket.writable;
  }

  set limitBytes(bytes: number) {
    this.#cutter.limitBytes = bytes;
  }

  /** The messages as they come, until the peer goes, the channel is ended, or MalformedPdu is thrown. */
  async *messages(): AsyncGenerator<LdapMessage, void, undefined> {
    this.#startWaiting();
    // Left open when the loop is left: a notice may still have to go out.
    for await (const chunk of this.#socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (this.#ending) continue;
      for (const pdu of this.#cutter.push(chunk)) {
        clearTimeout(this.#idleTimer);
        yield decodeMessage(pdu);
        if (!this.isOpen) return;
        // Counted from the last whole message, not the last byte: a peer that sends one byte a minute is idle.
        this.#startWaiting();
      }
    }
  }

  /** Writes whole messages; resolves once there is room for more or the peer has gone. */
  async send(octets: Buffer): Promise<void> {
    if (!this.isOpen || this.#socket.write(octets)) return;
    this.#startWaiting();
    await this.#hear('drain');
    clearTimeout(this.#idleTimer);
  }

  /** Ends the connection, with a notice that says why unless the peer asked for the end (RFC 4511 §4.4.1). */
  async end(reason?: LdapOutcome): Promise<void> {
    clearTimeout(this.#idleTimer);
    if (this.#ending || this.#socket.destroyed) return;
    this.#ending = true;
    const closed = this.#hear('close');
    if (reason) this.#socket.write(encodeNoticeOfDisconnection(reason));
    this.#socket.end();
    // What the peer still sends is thrown away: closing over unread bytes would reset the connection and lose the notice.
    this.#socket.resume();
    const timer = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    await closed;
    clearTimeout(timer);
  }

  /** Lets go of the socket whatever state it is in. */
  destroy(): void {
    clearTimeout(this.#idleTimer);
    this.#socket.destroy();
  }

  #startWaiting(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.#socket.destroy(), this.#idleTimeoutMs);
  }

  /** Waits for `event` or the end of the socket, whichever is first. */
  #hear(event: 'drain' | 'close'): Promise<void> {
    if (this.#socket.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const hear = (): void => {
        this.#socket.off(event, hear).off('close', hear);
        resolve();
      };
      this.#socket.once(event, hear).once('close', hear);
    });
  }
}
