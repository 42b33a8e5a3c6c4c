// The socket of one LDAP peer on the server's side: messages out of it in order, answers into it, and its end. Reading stops
// by itself while nobody takes a message and while answers back up, so that a peer that sends and does not read fills
// nothing but its own window.

import type { Socket } from 'node:net';
import type { Log } from '../log.ts';
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
  log: Log;
}

export class ServerChannel {
  readonly #socket: Socket;
  readonly #cutter: PduCutter;
  /** Longest wait for a whole message and for room to answer; counts from the next wait on. */
  idleTimeoutMs: number;
  readonly #log: Log;
  #readTimer: NodeJS.Timeout | undefined;
  #writeTimer: NodeJS.Timeout | undefined;
  #isBusy = false;
  #ending = false;

  constructor(socket: Socket, options: ChannelOptions) {
    this.#socket = socket;
    this.#cutter = new PduCutter(options.limitBytes);
    this.idleTimeoutMs = options.idleTimeoutMs;
    this.#log = options.log;
    // Errors also come to the reader below; this listener is there for those that come when nobody reads.
    socket.on('error', () => socket.destroy());
  }

  get isOpen(): boolean {
    return !this.#ending && this.#socket.writable;
  }

  set limitBytes(bytes: number) {
    this.#cutter.limitBytes = bytes;
  }

  /** While a request is worked on its peer may well be silent. */
  set isBusy(isBusy: boolean) {
    this.#isBusy = isBusy;
    if (isBusy) clearTimeout(this.#readTimer);
    else if (this.isOpen) this.#startReadTimer();
  }

  /** The messages as they come, until the peer goes, the channel is ended, or MalformedPdu is thrown. */
  async *messages(): AsyncGenerator<LdapMessage, void, undefined> {
    this.#startReadTimer();
    // Left open when the loop is left: a notice may still have to go out.
    for await (const chunk of this.#socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (this.#ending) continue;
      for (const pdu of this.#cutter.push(chunk)) {
        clearTimeout(this.#readTimer);
        yield decodeMessage(pdu);
        if (!this.isOpen) return;
        // Counted from the last whole message, not the last byte: a peer that sends one byte a minute is idle.
        if (!this.#isBusy) this.#startReadTimer();
      }
    }
  }

  /** Writes whole messages; resolves once there is room for more or the peer has gone. */
  async send(octets: Buffer): Promise<void> {
    if (!this.isOpen || this.#socket.write(octets)) return;
    clearTimeout(this.#writeTimer);
    this.#writeTimer = this.#startTimer('LDAP peer did not read its answer in time');
    await this.#hear('drain');
    clearTimeout(this.#writeTimer);
  }

  /** Ends the connection, with a notice that says why unless the peer asked for the end (RFC 4511 §4.4.1). */
  async end(reason?: LdapOutcome): Promise<void> {
    this.#stopTimers();
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
    this.#stopTimers();
    this.#socket.destroy();
  }

  #startReadTimer(): void {
    clearTimeout(this.#readTimer);
    this.#readTimer = this.#startTimer('LDAP peer sent no whole request in time');
  }

  #startTimer(what: string): NodeJS.Timeout {
    return setTimeout(() => {
      this.#log.info({ waitedMs: this.idleTimeoutMs }, what);
      this.#socket.destroy();
    }, this.idleTimeoutMs);
  }

  #stopTimers(): void {
    clearTimeout(this.#readTimer);
    clearTimeout(this.#writeTimer);
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
