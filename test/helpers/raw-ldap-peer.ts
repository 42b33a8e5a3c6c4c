// A peer that writes whatever octets it likes to an LDAP server and reads whole messages back: for what no client would send.

import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { PduCutter } from '../../src/ldap/ber-guard.ts';
import type { Control } from '../../src/ldap/control.ts';
import { decodeMessage, encodeMessage, type LdapMessage } from '../../src/ldap/message.ts';
import { encodeRequest, type LdapRequest } from '../../src/ldap/request.ts';
import { decodeResult, type LdapResult } from '../../src/ldap/response.ts';

type Request = Exclude<LdapRequest, { kind: 'abandon' }>;

export type PeerOptions = ConnectionOptions & { readonly localAddress?: string };

export class RawLdapPeer {
  readonly socket: TLSSocket;
  /** All that came, in order. */
  readonly received: LdapMessage[] = [];
  readonly closed: Promise<void>;
  readonly #cutter = new PduCutter(64 * 1024 * 1024);

  static async connect(port: number, options: PeerOptions = {}): Promise<RawLdapPeer> {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
    await once(socket, 'secureConnect');
    return new RawLdapPeer(socket);
  }

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => void socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      for (const pdu of this.#cutter.push(chunk)) this.received.push(decodeMessage(pdu));
      socket.emit('message');
    });
  }

  write(octets: Buffer): void {
    this.socket.write(octets);
  }

  send(messageId: number, request: Request, controls: readonly Control[] = []): void {
    this.write(encodeMessage(messageId, encodeRequest(request), controls));
  }

  /** Sends a request and waits for its result. */
  async ask(messageId: number, request: Request, controls: readonly Control[] = []): Promise<LdapResult> {
    this.send(messageId, request, controls);
    return this.result(messageId);
  }

  /** Waits for the result with this id; rejects when the connection ends before. */
  async result(messageId: number): Promise<LdapResult> {
    for (;;) {
      const message = this.received.find((one) => one.messageId === messageId && one.tag !== 0x64);
      if (message) return decodeResult(message);
      if (this.socket.destroyed) throw new Error(`closed before an answer to ${messageId}`);
      await Promise.race([once(this.socket, 'message'), this.closed]);
    }
  }

  close(): void {
    this.socket.destroy();
  }
}
